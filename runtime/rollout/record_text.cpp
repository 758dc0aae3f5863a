#include "runtime/rollout/record_text.hpp"

#include "protocols/base/hex.hpp"
#include "protocols/base/number.hpp"

#include <charconv>

namespace greenroom::runtime::rollout {

namespace {

void append_escaped(std::string& out, std::string_view value) {
  for (const char each : value) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte < 0x20 || each == '%' || byte == 0x7f) {
      out += '%';
      base::append_hex(out, byte);
    } else {
      out += each;
    }
  }
}

std::optional<std::string> unescaped(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '%') {
      out += value[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= value.size()) return std::nullopt;
    const auto first = value.data() + i + 1;
    if (std::from_chars(first, first + 2, byte, 16).ptr != first + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

record_writer::record_writer(std::string_view kind, unsigned version)
    : text_(std::string(kind) + ' ' + std::to_string(version) + '\n') {}

void record_writer::put(std::string_view key, std::string_view value) {
  text_ += key;
  text_ += '=';
  append_escaped(text_, value);
  text_ += '\n';
}

void record_writer::put(std::string_view key, double value) { put(key, base::exact_text(value)); }

void record_writer::put(std::string_view key, std::uint64_t value) {
  put(key, std::string_view{std::to_string(value)});
}

void record_writer::put(std::string_view key, const std::vector<std::string>& fields) {
  text_ += key;
  text_ += '=';
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) text_ += '\t';
    append_escaped(text_, fields[i]);
  }
  text_ += '\n';
}

std::string record_writer::finish() && {
  text_ += "end\n";
  return std::move(text_);
}

std::optional<record_reader> record_reader::open(std::string_view text, std::string_view kind,
                                                 unsigned version_max, std::string& error) {
  const auto next_line = [&text]() -> std::optional<std::string_view> {
    const auto at = text.find('\n');
    if (at == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, at);
    text.remove_prefix(at + 1);
    return line;
  };
  record_reader out;
  const auto head = next_line();
  if (!head || !head->starts_with(kind) || head->size() <= kind.size() + 1
      || (*head)[kind.size()] != ' ') {
    error = "not a record of kind " + std::string(kind);
    return std::nullopt;
  }
  const auto version = base::parse_number<std::uint64_t>(head->substr(kind.size() + 1));
  if (!version || *version < 1 || *version > version_max) {
    error = std::string(kind) + " has a version that is not understood here";
    return std::nullopt;
  }
  out.version_ = static_cast<unsigned>(*version);
  while (const auto line = next_line()) {
    if (*line == "end") {
      if (text.empty()) return out;
      error = std::string(kind) + " goes on after its end";
      return std::nullopt;
    }
    const auto equals = line->find('=');
    if (equals == std::string_view::npos) {
      error = std::string(kind) + " has a line without a key";
      return std::nullopt;
    }
    out.lines_.emplace_back(line->substr(0, equals), line->substr(equals + 1));
  }
  error = std::string(kind) + " is cut off";
  return std::nullopt;
}

std::optional<std::string> record_reader::text(std::string_view key) const {
  for (const auto& [name, value] : lines_) {
    if (name == key) return unescaped(value);
  }
  return std::nullopt;
}

std::optional<double> record_reader::finite(std::string_view key) const {
  const auto value = text(key);
  return value ? base::parse_finite(*value) : std::nullopt;
}

std::optional<double> record_reader::percentage(std::string_view key) const {
  const auto value = finite(key);
  return value && *value >= 0 && *value <= 100 ? value : std::nullopt;
}

std::optional<std::uint64_t> record_reader::whole(std::string_view key) const {
  const auto value = text(key);
  return value ? base::parse_number<std::uint64_t>(*value) : std::nullopt;
}

std::optional<bool> record_reader::flag(std::string_view key) const {
  const auto value = whole(key);
  if (!value || *value > 1) return std::nullopt;
  return *value == 1;
}

std::vector<std::vector<std::string>> record_reader::fields(std::string_view key) const {
  std::vector<std::vector<std::string>> out;
  for (const auto& [name, value] : lines_) {
    if (name != key) continue;
    std::vector<std::string> parts;
    std::string_view rest = value;
    while (true) {
      const auto tab = rest.find('\t');
      auto part = unescaped(rest.substr(0, tab));
      parts.push_back(part ? std::move(*part) : std::string{});
      if (tab == std::string_view::npos) break;
      rest.remove_prefix(tab + 1);
    }
    out.push_back(std::move(parts));
  }
  return out;
}

}  // namespace greenroom::runtime::rollout
