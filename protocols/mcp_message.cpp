#include "protocols/mcp_message.hpp"

#include "protocols/base/number.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace greenroom::protocols {

void mcp_message::take_member(std::string_view key, std::string_view value) {
  if (key == "jsonrpc")
    version = value;
  else if (key == "id")
    id = value;
  else if (key == "method")
    method = value;
  else if (key == "result")
    result = value;
  else if (key == "error")
    error = value;
}

mcp_message read_mcp_message(std::string_view text) {
  mcp_message result;
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{text, nobody};
  const bool whole =
      text.starts_with('{')
      && base::each_member(scan, [&result](std::string_view key, std::string_view value) {
           result.take_member(key, value);
         });
  result.beyond_double = scan.has_beyond_double();
  if (whole) result.length = static_cast<std::size_t>(scan.position() - text.data());
  return result;
}

mcp_message read_whole_mcp_message(std::string_view text) {
  auto result = read_mcp_message(text);
  if (text.find_first_not_of(" \t\r\n", result.length) != std::string_view::npos) result.length = 0;
  return result;
}

std::string_view mcp_name_in(std::string_view id, std::string& room) {
  if (id.empty() || id == "null") return {};
  const auto text = id.front() == '"' ? base::decode_string(id, room).value_or("") : id;
  if (text.empty()) return {};
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return text;
  const auto number = base::parse_number<double>(text);
  constexpr double exact_up_to = 9007199254740992.0;
  if (!number || *number < 0 || *number > exact_up_to || *number != std::floor(*number))
    return text;
  room = std::to_string(static_cast<std::uint64_t>(*number));
  return room;
}

std::vector<std::string> mcp_texts_in(std::string_view object, std::string_view wanted) {
  std::vector<std::string> result;
  struct text_list : base::json_deaf {
    std::vector<std::string>* to = nullptr;
    void string(std::string_view raw) {
      std::string room;
      if (to->size() < 64) to->emplace_back(base::unescape(raw, room));
    }
  } list;
  list.to = &result;
  static_cast<void>(base::each_member(object, [&](std::string_view key, std::string_view value) {
    if (key != wanted || value.front() != '[') return;
    base::json_scanner<text_list> scan{value, list};
    static_cast<void>(scan.value(2));
  }));
  return result;
}

}  // namespace greenroom::protocols
