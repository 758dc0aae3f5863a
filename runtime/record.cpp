#include "runtime/record.hpp"

#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "protocols/base/number.hpp"

#include <charconv>

namespace greenroom::runtime {

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

void record_writer::put_block(std::string_view key, std::string_view bytes) {
  text_ += key;
  text_ += ':' + std::to_string(bytes.size()) + ':';
  base::append_hex(text_, base::fnv1a(bytes));
  text_ += '\n';
  text_ += bytes;
  text_ += '\n';
}

std::string record_writer::finish() && {
  text_ += "end\n";
  return std::move(text_);
}

base::expected<record_reader> record_reader::open(std::string_view text, std::string_view kind,
                                                  unsigned version_max) {
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
    return base::problem{"kind", "not a record of kind " + std::string(kind)};
  }
  const auto version = base::parse_number<std::uint64_t>(head->substr(kind.size() + 1));
  if (!version || *version < 1 || *version > version_max) {
    return base::problem{"version",
                         std::string(kind) + " has a version that is not understood here"};
  }
  out.version_ = static_cast<unsigned>(*version);
  while (const auto line = next_line()) {
    if (*line == "end") {
      if (text.empty()) return out;
      return base::problem{"damaged", std::string(kind) + " goes on after its end"};
    }
    if (const auto taken = out.take_line(*line, text); !taken)
      return base::problem{"damaged", std::string(kind) + ' ' + taken.error().text};
  }
  return base::problem{"damaged", std::string(kind) + " is cut off"};
}

base::expected<void> record_reader::take_line(std::string_view line, std::string_view& rest) {
  const auto after_key = line.find_first_of("=:");
  if (after_key == std::string_view::npos)
    return base::problem{"damaged", "has a line without a key"};
  const auto key = line.substr(0, after_key);
  const auto value = line.substr(after_key + 1);
  if (line[after_key] == '=') {
    lines_.emplace_back(key, value);
    return {};
  }
  const auto colon = value.find(':');
  if (colon == std::string_view::npos)
    return base::problem{"damaged", "has a block without a checksum"};
  const auto size = base::parse_number<std::size_t>(value.substr(0, colon));
  const auto sum = base::parse_number<std::uint64_t>(value.substr(colon + 1), 16);
  if (!size || !sum || *size >= rest.size() || rest[*size] != '\n')
    return base::problem{"damaged", "has a block of another size"};
  const auto bytes = rest.substr(0, *size);
  if (base::fnv1a(bytes) != *sum)
    return base::problem{"damaged", "has a block whose checksum does not match"};
  blocks_.emplace_back(key, bytes);
  rest.remove_prefix(*size + 1);
  return {};
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

std::optional<std::string_view> record_reader::block(std::string_view key) const {
  for (const auto& [name, bytes] : blocks_) {
    if (name == key) return bytes;
  }
  return std::nullopt;
}

}  // namespace greenroom::runtime
