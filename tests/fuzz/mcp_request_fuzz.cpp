// Any bytes as an HTTP request to the MCP door, or as a line of its stdio form: no crash, and a
// modern request that is taken says the same in its headers and in its body.
//
// clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
// tests/fuzz/mcp_request_fuzz.cpp
//     protocols/mcp/*.cpp protocols/server_events.cpp protocols/base/*.cpp
//
// The input is header fields (`Name: value`, one a line), an empty line, and the body.
#include "protocols/base/json_text.hpp"
#include "protocols/base/raw_object.hpp"
#include "protocols/mcp/header_value.hpp"
#include "protocols/mcp/request.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace mcp = greenroom::protocols::mcp;
namespace base = greenroom::base;

void expect(bool so) {
  if (!so) std::abort();
}

std::vector<mcp::header_field> cut_fields(std::string_view& text) {
  std::vector<mcp::header_field> result;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || result.size() >= 32) continue;
    result.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  return result;
}

void check(const base::expected<mcp::request, mcp::failure>& got, const mcp::http_fields* fields) {
  if (!got) {
    const auto& why = got.error();
    expect(why.status >= 400 && why.status < 500);
    expect(base::is_json(mcp::error_text(why)) && base::is_json(mcp::to_json(why)));
    return;
  }
  expect(mcp::is_served(got->version) || fields == nullptr || got->version.empty()
         || got->era == mcp::mcp_era::legacy);
  if (got->era != mcp::mcp_era::modern || got->kind != mcp::message_kind::request) return;
  expect(mcp::is_served(got->version, mcp::mcp_era::modern));
  expect(base::is_raw_object(got->capabilities) && base::is_json(got->capabilities));
  static_cast<void>(mcp::declares(got->capabilities, "sampling.tools"));
  if (fields == nullptr) return;
  expect(mcp::trimmed(*fields->method) == got->method);
  expect(mcp::trimmed(*fields->version) == got->version);
  if (got->method == "tools/call") expect(mcp::decoded_header(*fields->name) == got->name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  check(mcp::read_line(text, "2025-11-25"), nullptr);
  const auto all = cut_fields(text);
  const auto fields = mcp::http_fields::of(all);
  check(mcp::read_post(fields, text), &fields);
  check(mcp::read_get(fields), &fields);
  check(mcp::read_delete(fields), &fields);
  if (const auto declared = mcp::parameter_headers(text)) {
    static_cast<void>(mcp::check_parameters(*declared, all, text));
    for (const auto& [name, value] : mcp::parameter_fields(*declared, text))
      expect(mcp::decoded_header(value).has_value());
  }
  if (base::is_utf8(text)) expect(mcp::decoded_header(mcp::encoded_header(text)) == text);
  return 0;
}
