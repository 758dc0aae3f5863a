// Records what a codec reads, for the tests of the wire formats.
#pragma once

#include "protocols/msgpack_json.hpp"
#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_line.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols {

using maker = std::function<std::unique_ptr<worker_codec>()>;

/// Records every message as one line.
class message_recorder final : public worker_listener {
public:
  void on_message(const worker_message& said) override {
    constexpr const char* words[] = {"ready",         "result", "error",    "chunk",   "pong",
                                     "ignored",       "reply",  "stray",    "broken",  "too_long",
                                     "tools_changed", "tools",  "no_tools", "refusal", "nonsense"};
    std::string line = words[static_cast<std::size_t>(said.word)];
    if (!said.id.empty()) line += " " + std::string{said.id};
    if (!said.text.empty()) line += ": " + std::string{said.text};
    if (said.retryable) line += " (retryable)";
    if (said.word == worker_word::too_long) line += " of " + std::to_string(said.bytes);
    messages.push_back(std::move(line));
  }
  std::vector<std::string> messages;
};

inline const maker jsonl = [] { return make_jsonl_codec(1000); };

inline const maker msgpack_format = [] { return make_msgpack_codec(1000); };

inline const maker mcp = [] { return make_mcp_codec(1000); };

/// The messages in `bytes`, fed whole, in two parts and byte by byte.
inline std::vector<std::string> messages_in(const maker& make, std::string_view bytes) {
  message_recorder whole;
  make()->feed(bytes, whole);
  // The messages are the same wherever the bytes are cut.
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    message_recorder halves;
    const auto codec = make();
    codec->feed(bytes.substr(0, cut), halves);
    codec->feed(bytes.substr(cut), halves);
    EXPECT_EQ(halves.messages, whole.messages) << "cut at " << cut;
  }
  message_recorder single;
  const auto codec = make();
  for (std::size_t i = 0; i < bytes.size(); ++i) codec->feed(bytes.substr(i, 1), single);
  EXPECT_EQ(single.messages, whole.messages);
  return whole.messages;
}

inline std::string msgpack_frame(std::string_view json) {
  std::string body;
  EXPECT_TRUE(append_msgpack(body, json));
  const auto size = body.size();
  std::string result;
  for (int shift = 24; shift >= 0; shift -= 8) result.push_back(static_cast<char>(size >> shift));
  return result + body;
}

inline constexpr std::string_view conversation[] = {
    R"({"type":"ready"})",
    R"({"type":"result","id":"a1","output":{"x":[1,-2,2.5,"\u00e4\"\n",true,null]}})",
    R"({"output":"first","id":"a2","type":"result"})",
    R"({"type":"result","id":"a3"})",
    R"({"type":"error","id":"a4","message":"no \"such\" thing","retryable":true})",
    R"({"type":"chunk","id":"a5","text":"piece"})",
    R"({"type":"pong","extra":{"deep":[[[]]]}})",
};

inline const std::vector<std::string> understood{
    "ready",
    "result a1: {\"x\":[1,-2,2.5,\"ä\\\"\\n\",true,null]}",
    "result a2: \"first\"",
    "result a3: null",
    "error a4: no \"such\" thing (retryable)",
    "chunk a5: piece",
    "pong",
};

}  // namespace greenroom::protocols
