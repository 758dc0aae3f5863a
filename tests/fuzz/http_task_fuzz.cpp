// Any bytes as the body of a request: no crash, and what is taken is JSON for another parser too.
//
// clang++-14 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
// tests/fuzz/http_task_fuzz.cpp
//     protocols/http_task.cpp protocols/http_chat.cpp protocols/task.cpp protocols/base/*.cpp
#include "protocols/base/json_text.hpp"
#include "protocols/http_chat.hpp"
#include "protocols/http_task.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

namespace {

/// JSON, and be it with halves of surrogate pairs, or with numbers beyond what a double holds.
bool is_json(std::string text) {
  greenroom::base::mend_halves(text);
  if (nlohmann::json::accept(text)) return true;
  try {
    (void)nlohmann::json::parse(text);
  } catch (const nlohmann::json::out_of_range&) {
    return true;
  } catch (const nlohmann::json::parse_error&) {
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  namespace protocols = greenroom::protocols;
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  constexpr int depth = 32;
  const auto task = protocols::parse_http_task(text, depth);
  if (task) {
    if (!is_json(std::string{text}) || !greenroom::base::is_json(task->request.input)) std::abort();
  } else if (task.error().offset > size || task.error().detail.empty()) {
    std::abort();
  }
  const auto chat = protocols::parse_chat(text, depth);
  if (chat) {
    if (!is_json(std::string{text})) std::abort();
  } else if (!nlohmann::json::accept(protocols::to_json(chat.error()))) {
    std::abort();
  }
  const protocols::chat_frame frame{"chatcmpl-0", 0, "model"};
  if (nlohmann::json::accept(text)
      && !nlohmann::json::accept(protocols::chat_completion(frame, text)))
    std::abort();
  return 0;
}
