#include "protocols/worker_line.hpp"

#include "protocols/base/hex.hpp"

#include <algorithm>
#include <array>

namespace greenroom::protocols {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_blank(char letter) {
  return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n' || letter == '\v'
         || letter == '\f' || letter == '\0';
}

/// Returns the length of the terminal sequence at the beginning of `text`, or 0.
std::size_t sequence_length(std::string_view text) {
  if (text.size() < 2 || text.front() != '\x1b') return 0;
  if (text[1] == ']') {  // Sets a title; ends with BEL or ESC \.
    const auto end = text.find_first_of("\x07\x1b", 2);
    if (end == std::string_view::npos) return 0;
    return text[end] == '\x07' ? end + 1 : std::min(end + 2, text.size());
  }
  if (text[1] != '[') return 2;
  std::size_t at = 2;
  while (at < text.size() && text[at] >= 0x20 && text[at] <= 0x3f) ++at;
  return at < text.size() ? at + 1 : 0;
}

/// Returns the length of the terminal sequence at the end of `text`, or 0.
std::size_t sequence_at_end(std::string_view text) {
  constexpr std::size_t longest = 16;
  const auto from = text.size() - std::min(text.size(), longest);
  const auto escape = text.rfind('\x1b');
  if (escape == std::string_view::npos || escape < from) return 0;
  const auto length = sequence_length(text.substr(escape));
  return escape + length == text.size() ? length : 0;
}

}  // namespace

std::string_view without_ornament(std::string_view line) {
  for (;;) {
    if (line.empty()) return line;
    if (is_blank(line.front())) {
      line.remove_prefix(1);
    } else if (line.starts_with(byte_order_mark)) {
      line.remove_prefix(byte_order_mark.size());
    } else if (const auto length = sequence_length(line)) {
      line.remove_prefix(length);
    } else {
      break;
    }
  }
  for (;;) {
    if (is_blank(line.back())) {
      line.remove_suffix(1);
    } else if (const auto length = sequence_at_end(line)) {
      line.remove_suffix(length);
    } else {
      return line;
    }
  }
}

std::string_view id_in_pieces(std::string_view head, std::string_view tail) {
  return member_in_pieces(head, tail, "id");
}

std::string_view member_in_pieces(std::string_view head, std::string_view tail,
                                  std::string_view wanted) {
  std::string_view found;
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{head, nobody};
  scan.allow_not_finite();
  // The members before the cut have been passed by then.
  const bool whole = base::each_member(scan, [&](std::string_view key, std::string_view value) {
    if (key == wanted) found = value;
  });
  if (whole || !found.empty()) return found;
  // The official TypeScript library writes the id last.
  const auto key = "\"" + std::string{wanted} + "\"";
  const auto at = tail.rfind(key);
  if (at == std::string_view::npos) return {};
  base::json_scanner<base::json_deaf> end{tail.substr(at + key.size()), nobody};
  end.skip_space();
  if (!end.take(':')) return {};
  end.skip_space();
  const char* const begin = end.position();
  if (!end.value(1)) return {};
  found = {begin, static_cast<std::size_t>(end.position() - begin)};
  // Only short members may follow; otherwise the member belongs to a nested object.
  std::string_view member;
  for (end.skip_space(); end.take(','); end.skip_space()) {
    end.skip_space();
    if (!end.raw_string(member)) return {};
    end.skip_space();
    if (!end.take(':')) return {};
    end.skip_space();
    if (!end.value(1)) return {};
  }
  if (!end.take('}')) return {};
  end.skip_space();
  return end.at_end() ? found : std::string_view{};
}

std::string fault_of(std::string_view line) {
  struct depth_watch : base::json_deaf {
    int depth = 0;
    void begin_object() { ++depth; }
    void begin_array() { ++depth; }
    void end_object(std::uint32_t) { --depth; }
    void end_array(std::uint32_t) { --depth; }
  } watch;
  base::json_scanner<depth_watch> scan{line, watch};
  scan.allow_not_finite();
  scan.skip_space();
  const bool whole = scan.value(base::json_depth_max);
  if (whole) scan.skip_space();
  const auto place = std::to_string(scan.position() - line.data() + 1);
  if (!whole) {
    const bool opens = !scan.at_end() && (*scan.position() == '[' || *scan.position() == '{');
    if (opens && watch.depth >= base::json_depth_max)
      return "something that is nested more than " + std::to_string(base::json_depth_max)
             + " levels deep";
    return "something that is not JSON from byte " + place + " on";
  }
  if (!scan.at_end()) return "something that goes on behind its end, from byte " + place + " on";
  if (const auto number = base::number_beyond_double(line); !number.empty())
    return fault_of_number(number);
  return "NaN or Infinity, which JSON does not have (in Python, json.dumps(…, allow_nan=False) "
         "finds the place)";
}

std::string fault_of_number(std::string_view number) {
  constexpr std::size_t shown = 40;
  return "the number " + std::string{number.substr(0, shown)} + (number.size() > shown ? "…" : "")
         + ", which is too large for a double";
}

std::size_t message_start(std::string_view line, std::size_t from) {
  constexpr std::array<std::string_view, 7> keys{R"("jsonrpc")", R"("id")",     R"("result")",
                                                 R"("error")",   R"("method")", R"("type")",
                                                 R"("output")"};
  for (auto at = line.find('{', from); at != std::string_view::npos; at = line.find('{', at + 1)) {
    auto rest = line.substr(at + 1);
    const auto first = rest.find_first_not_of(" \t");
    if (first == std::string_view::npos) return first;
    rest.remove_prefix(first);
    if (std::any_of(keys.begin(), keys.end(),
                    [rest](std::string_view key) { return rest.starts_with(key); }))
      return at;
  }
  return std::string_view::npos;
}

std::string quoted_bytes(std::string_view text, std::size_t most) {
  std::string result = "«";
  const auto shown = text.substr(0, most);
  const char* const end = shown.data() + shown.size();
  for (const char* at = shown.data(); at != end;) {
    const auto letter = static_cast<unsigned char>(*at);
    const std::size_t length = base::utf8_length(at, end);
    // U+0080 to U+009F control terminals too.
    const bool control =
        letter < 0x20 || letter == 0x7f
        || (length == 2 && letter == 0xc2 && static_cast<unsigned char>(at[1]) < 0xa0);
    if (length == 0 || control) {
      // Leave out a character that the cut has split.
      if (length == 0 && text.size() > most && end - at < 4 && letter >= 0xc2) break;
      result += "\\x";
      base::append_hex(result, static_cast<unsigned char>(*at));
      ++at;
      continue;
    }
    result.append(at, length);
    at += length;
  }
  return result + (text.size() > most ? "…»" : "»");
}

std::string hex_bytes(std::string_view bytes, std::size_t most) {
  std::string result;
  for (const char byte : bytes.substr(0, most)) {
    if (!result.empty()) result.push_back(' ');
    base::append_hex(result, static_cast<unsigned char>(byte));
  }
  return result + (bytes.size() > most ? " …" : "");
}

}  // namespace greenroom::protocols
