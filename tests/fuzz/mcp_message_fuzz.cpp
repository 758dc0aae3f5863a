// Any bytes as a message of JSON-RPC, as the page of a list, as a stored offer and as tokens that
// clients bring back: no crash, and what is taken is written so that it is taken again, the same.
//
// clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
// tests/fuzz/mcp_message_fuzz.cpp
//     protocols/mcp/*.cpp protocols/server_events.cpp protocols/base/*.cpp
#include "protocols/base/json_text.hpp"
#include "protocols/mcp/cursor.hpp"
#include "protocols/mcp/events.hpp"
#include "protocols/mcp/json_rpc.hpp"
#include "protocols/mcp/offer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

namespace mcp = greenroom::protocols::mcp;
namespace base = greenroom::base;

void expect(bool so) {
  if (!so) std::abort();
}

bool is_line_of_json(std::string_view text) {
  return base::is_json(text) && text.find('\n') == std::string_view::npos;
}

void read_message(std::string_view text) {
  mcp::message_limits limits;
  limits.bytes = 4096;
  const auto read = mcp::read_message(text, limits);
  if (!read) {
    expect(text.size() > limits.bytes || is_line_of_json(mcp::error_text(read.error())));
    return;
  }
  const auto written = mcp::to_text(*read);
  expect(is_line_of_json(written));
  // What is written may be longer than what was read: escapes of the method.
  const auto again = mcp::read_message(written);
  expect(again && *again == *read);
  static_cast<void>(mcp::parts_of(read->error));
}

void read_offer(std::string_view text) {
  mcp::offer_limits limits;
  limits.items = 20;
  limits.item_bytes = 200;
  limits.bytes = 1000;
  mcp::mcp_offer offer;
  mcp::take_greeting(offer, text, limits);
  for (const auto list : base::all_mcp_lists)
    static_cast<void>(mcp::add_page(offer, list, text, limits));
  const auto back = mcp::from_stored(mcp::to_stored(offer, 1), 1);
  expect(back && *back == offer);
  static_cast<void>(mcp::from_stored(text, 1, limits));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  read_message(text);
  read_offer(text);
  if (const auto position = mcp::position_in(text, base::mcp_list::tools, 1)) {
    const auto back = mcp::position_in(R"({"cursor":")" + mcp::to_cursor(*position) + R"("})",
                                       base::mcp_list::tools, 1);
    expect(back && *back == *position);
  }
  if (const auto id = mcp::parse_event_id(text)) expect(mcp::to_text(*id) == text);
  return 0;
}
