// Writes the struct as YAML.
#include "config/writer.hpp"

#include "config/description.hpp"
#include "config/words.hpp"
#include "protocols/base/duration.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <concepts>
#include <type_traits>

namespace greenroom::config {

namespace {

bool sounds_secret(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  constexpr std::string_view words[] = {"KEY",        "TOKEN", "SECRET", "PASS",
                                        "CREDENTIAL", "AUTH",  "COOKIE", "DSN"};
  return std::ranges::any_of(
      words, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

/// Masks the password in `https://user:password@host`.
std::string without_password(const std::string& text) {
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto end = text.find('/', scheme + 3);
  const auto at = text.substr(0, end).rfind('@');
  if (at == std::string::npos || at < scheme + 3) return text;
  return text.substr(0, scheme + 3) + "***" + text.substr(at);
}

class writer {
public:
  writer(YAML::Emitter& out, bool mask) : out_{out}, mask_{mask} {}

  template <class T>
  void field(const char* key, const T& value, const char* /*meaning*/, rule = {}) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (value.empty()) return;  // An empty text means none, like a missing key.
    }
    out_ << YAML::Key << key << YAML::Value;
    write(value);
  }
  void expanded(const char* key, const std::string& value, const char* meaning) {
    field(key, escaped(value), meaning);
  }
  void expanded(const char* key, const std::vector<std::string>& values, const char* meaning) {
    std::vector<std::string> all;
    all.reserve(values.size());
    for (const auto& each : values) all.push_back(escaped(each));
    field(key, all, meaning);
  }
  void expanded(const char* key, const std::map<std::string, std::string>& values, const char*) {
    if (values.empty()) return;
    out_ << YAML::Key << key << YAML::Value << YAML::BeginMap;
    for (const auto& [name, value] : values) {
      out_ << YAML::Key;
      write_text(name);
      out_ << YAML::Value;
      write(mask_ && sounds_secret(name) ? std::string{"***"} : escaped(value));
    }
    out_ << YAML::EndMap;
  }
  void size(const char* key, std::uint64_t value, const char* /*meaning*/, rule) {
    out_ << YAML::Key << key << YAML::Value << base::format_size(value);
  }
  template <class S>
  void section(const char* key, S& value, const char* /*meaning*/) {
    out_ << YAML::Key << key << YAML::Value << YAML::BeginMap;
    describe(*this, value);
    out_ << YAML::EndMap;
  }
  template <class S>
  void named(const char* key, std::vector<S>& values, const char* /*meaning*/) {
    if (values.empty()) return;
    out_ << YAML::Key << key << YAML::Value << YAML::BeginSeq;
    for (auto& each : values) {
      out_ << YAML::BeginMap;
      describe(*this, each);
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }
  template <class S>
  void table(const char* key, std::map<std::string, S>& values, const char* /*meaning*/) {
    if (values.empty()) return;
    out_ << YAML::Key << key << YAML::Value << YAML::BeginMap;
    for (auto& [name, value] : values) {
      out_ << YAML::Key;
      write_text(name);
      out_ << YAML::Value << YAML::Flow << YAML::BeginMap;
      describe(*this, value);
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndMap;
  }

private:
  static std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '$' ? std::string{"$$"} : std::string{c};
    return result;
  }

  void write(bool value) { out_ << (value ? "true" : "false"); }
  void write(double value) {
    char digits[64];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    out_ << std::string{std::begin(digits), end};
  }
  template <std::unsigned_integral T>
  void write(T value) {
    out_ << std::to_string(value);
  }
  void write(std::chrono::milliseconds value) { out_ << base::format_duration(value); }
  void write(const std::optional<std::chrono::milliseconds>& value) {
    out_ << (value ? base::format_duration(*value) : std::string{"auto"});
  }
  void write(const std::string& value) { write_text(mask_ ? without_password(value) : value); }
  /// Quoted if any YAML reader might take the text for another type.
  void write_text(const std::string& text) {
    const bool simple = std::ranges::all_of(text, [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'
             || c == '/';
    });
    const bool begins = !text.empty()
                        && (std::isalpha(static_cast<unsigned char>(text.front()))
                            || text.front() == '/' || text.starts_with("./"));
    constexpr std::string_view words[] = {"null",  "Null",  "NULL", "true", "True", "TRUE", "false",
                                          "False", "FALSE", "yes",  "Yes",  "YES",  "no",   "No",
                                          "NO",    "on",    "On",   "ON",   "off",  "Off",  "OFF",
                                          "y",     "Y",     "n",    "N"};
    if (simple && begins && std::ranges::find(words, text) == std::end(words)) {
      out_ << text;
    } else {
      out_ << YAML::DoubleQuoted << text;
    }
  }
  void write(const std::vector<std::string>& values) {
    out_ << YAML::Flow << YAML::BeginSeq;
    for (const auto& each : values) write(each);
    out_ << YAML::EndSeq;
  }
  template <class T>
  requires std::is_enum_v<T>
  void write(T value) { out_ << std::string{word_of(value)}; }

  YAML::Emitter& out_;
  bool mask_;
};

}  // namespace

std::string to_yaml(const node& whole, bool mask_secrets) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  writer whole_writer{out, mask_secrets};
  auto copy = whole;  // `describe` takes a mutable struct.
  describe(whole_writer, copy);
  out << YAML::EndMap;
  return std::string{out.c_str()} + '\n';
}

}  // namespace greenroom::config
