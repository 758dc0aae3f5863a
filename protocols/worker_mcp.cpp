#include "protocols/worker_mcp.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/mcp_message.hpp"
#include "protocols/mcp_requests.hpp"
#include "protocols/worker_line.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace greenroom::protocols {
namespace {
/// The version in `initialize`; a server may answer with any other version.
constexpr std::string_view offered_version = "2025-11-25";

bool is_own(std::string_view id, std::string_view prefix) {
  return id.size() > prefix.size() && id.starts_with(prefix);
}

class mcp_codec final : public worker_codec {
public:
  explicit mcp_codec(std::size_t line_bytes_max) : lines_{line_bytes_max} {}

  bool numbers_names() const override { return true; }

  void greet(std::string& out) override { add_initialize(out, mcp_initialize_id, offered_version); }

  bool greet_again(std::string& out) override {
    if (std::exchange(discovered_, true)) return false;
    add_discover(out, mcp_stateless_version);
    return true;
  }

  base::expected<void> add_task(std::string& out, std::string_view name, std::string_view input,
                                std::int64_t) override {
    return requests_.add_task(out, name, input);
  }
  bool add_cancel(std::string& out, std::string_view name) override {
    requests_.add_cancel(out, name);
    return true;
  }
  bool add_ping(std::string& out) override {
    requests_.add_ping(out);
    return true;
  }
  bool add_tools_request(std::string& out, std::string_view cursor) override {
    requests_.add_tools_request(out, cursor);
    return true;
  }

  void feed(std::string_view bytes, worker_listener& listener) override {
    if (broken_) return;
    const bool ends = lines_.feed(
        bytes,
        [&](std::string_view line) {
          understand(line, listener);
          return !broken_;
        },
        [&](const line_cutter::long_line& line) { skip(line, listener); });
    for (auto* const room : {&room_, &reply_, &id_room_, &result_room_, &mended_})
      release_large(*room);
    if (ends || broken_) return;
    broken_ = true;
    tell_endless(listener, lines_.endless_bytes());
  }

  void finish(worker_listener& listener) override {
    if (broken_) return;
    // A last line that is incomplete was lost with the worker.
    lines_.finish(
        [&](std::string_view line) {
          line = without_ornament(line);
          line_bytes_ = line.size();
          if (!line.empty() && !take_messages(line, listener)) tell_stray(listener, line);
        },
        [&](const line_cutter::long_line& line) { tell_stray(listener, line.head); });
  }

private:
  void add_initialize(std::string& out, std::string_view id, std::string_view version) {
    ++unanswered_;
    requests_.add_initialize(out, id, version);
  }

  void add_discover(std::string& out, std::string_view version) {
    ++unanswered_;
    requests_.add_discover(out, std::string{mcp_greeting_prefix} + std::to_string(++greetings_),
                           version);
  }

  void tell_now(worker_listener& listener, worker_word word, std::string_view id,
                std::string_view text) {
    tell(listener, word, id, text, line_bytes_);
  }

  /// A skipped line that is no answer, such as a long notification, fails no task.
  void skip(const line_cutter::long_line& line, worker_listener& listener) {
    auto head = without_ornament(line.head);
    // Text without a line end may precede the message.
    if (!head.starts_with('{')) head.remove_prefix(std::min(message_start(head, 0), head.size()));
    const auto id = id_in_pieces(head, line.tail);
    if (id.empty() || id == "null" || !member_in_pieces(head, line.tail, "method").empty())
      return tell_stray(listener, line.head, line.bytes);
    tell(listener, worker_word::too_long, name_of(id), {}, line.bytes);
  }

  void understand(std::string_view line, worker_listener& listener) {
    line_bytes_ = line.size();
    line = without_ornament(line);
    if (line.empty() || take_messages(line, listener)) return;
    if (line.front() == '{' || line.front() == '[') {
      // Some servers write text without a conversion to UTF-8.
      mended_ = base::mend_utf8(line);
      if (mended_.size() != line.size() && take_messages(mended_, listener)) return;
    }
    if (line.front() == '{' && line.find(R"("jsonrpc")") != std::string_view::npos
        && (line.find(R"("result")") != std::string_view::npos
            || line.find(R"("error")") != std::string_view::npos)
        && member_in_pieces(line, line, "method").empty()) {
      const auto why = fault_of(line) + ": " + quoted_bytes(line);
      return tell_now(listener, worker_word::broken, name_of(id_in_pieces(line, line)), why);
    }
    if (const auto at = message_start(line, 1); at != std::string_view::npos) {
      // Text without a line end precedes the message. Only an answer is accepted here: a server may
      // also print requests that it has sent or received.
      const auto got = read_whole_mcp_message(line.substr(at));
      if (got.length > 0 && got.is_answer()) {
        tell_stray(listener, line.substr(0, at));
        return answered(got, listener);
      }
    }
    tell_stray(listener, line);
  }

  /// Takes one message, a list of messages (2025-03-26) or several messages in a row. False: `line`
  /// begins with none, and no message was passed on.
  bool take_messages(std::string_view line, worker_listener& listener) {
    if (line.front() == '[') return take_list(line, listener);
    if (line.front() != '{') return false;
    for (bool first = true; !broken_; first = false) {
      const auto got = read_mcp_message(line);
      if (got.length == 0) {
        if (!first) tell_stray(listener, line);
        return !first;
      }
      take_message(got, line.substr(0, got.length), listener);
      line = without_ornament(line.substr(got.length));
      if (line.empty()) break;
    }
    return true;
  }

  /// Reports only the first item that is no message, because a list may have millions of items.
  bool take_list(std::string_view line, worker_listener& listener) {
    base::json_deaf nobody;
    base::json_scanner<base::json_deaf> whole{line, nobody};
    if (!whole.value(base::json_depth_max)) return false;
    whole.skip_space();
    if (!whole.at_end()) return false;
    base::json_scanner<base::json_deaf> scan{line, nobody};
    static_cast<void>(scan.take('['));
    std::string_view stray;
    bool any = false;
    for (scan.skip_space(); !broken_ && !scan.at_end() && !scan.take(']'); scan.skip_space()) {
      const char* const begin = scan.position();
      static_cast<void>(scan.value(base::json_depth_max - 1));
      const std::string_view item{begin, static_cast<std::size_t>(scan.position() - begin)};
      const auto got = read_whole_mcp_message(item);
      if (got.length > 0) {
        any = true;
        take_message(got, item, listener);
      } else if (stray.empty()) {
        stray = item;
      }
      scan.skip_space();
      static_cast<void>(scan.take(','));
    }
    if (!any || !stray.empty()) tell_stray(listener, any ? stray : line);
    return true;
  }

  void take_message(const mcp_message& got, std::string_view text, worker_listener& listener) {
    if (!got.method.empty() && got.version == R"("2.0")") return asked(got, text, listener);
    if (got.is_answer()) return answered(got, listener);
    tell_stray(listener, text);
  }

  /// Handles a request or a notification of the server.
  void asked(const mcp_message& got, std::string_view text, worker_listener& listener) {
    if (got.id.empty() || got.id == "null") {
      const bool tools = got.method == R"("notifications/tools/list_changed")";
      return tell_now(listener, tools ? worker_word::tools_changed : worker_word::ignored, {}, {});
    }
    if (got.id.front() != '"' && got.id.front() != '-'
        && (got.id.front() < '0' || got.id.front() > '9'))
      return tell_stray(listener, text);
    reply_ = R"({"jsonrpc":"2.0","id":)";
    reply_ += got.id;
    if (got.method == R"("ping")") {
      reply_ += R"(,"result":{}})";
    } else {
      reply_ += R"(,"error":{"code":-32601,"message":"Method not found"}})";
    }
    reply_ += '\n';
    // The bytes count towards the flood limit.
    tell_now(listener, worker_word::reply, {}, reply_);
  }

  void answered(const mcp_message& got, worker_listener& listener) {
    const bool failed = !got.error.empty() && got.error != "null";
    const auto name = name_of(got.id);
    if (name == mcp_initialize_id || is_own(name, mcp_greeting_prefix)) {
      if (unanswered_ > 0) --unanswered_;
      if (begun_) return tell_now(listener, worker_word::ignored, {}, {});
      if (failed) return rejected(got.error, listener);
      return begin(name == mcp_initialize_id || name == second_initialize_, got.result, listener);
    }
    if (is_own(name, mcp_ping_prefix)) return tell_now(listener, worker_word::pong, {}, {});
    if (is_own(name, mcp_tools_prefix)) {
      if (failed) return tell_now(listener, worker_word::no_tools, {}, {});
      return tell_now(listener, worker_word::tools, {}, got.result);
    }
    if (failed) return tell_now(listener, worker_word::error, name, error_text(got.error));
    if (got.beyond_double)
      if (const auto number = base::number_beyond_double(got.result); !number.empty()) {
        const auto why = fault_of_number(number) + ": " + quoted_bytes(got.result);
        return tell_now(listener, worker_word::broken, name, why);
      }
    tell_now(listener, worker_word::result, name,
             got.result.empty() ? std::string_view{"null"} : mended(got.result));
  }

  void begin(bool initialized, std::string_view result, worker_listener& listener) {
    begun_ = true;
    if (initialized) {
      // Accept any version: the parts that a node uses are the same in all of them.
      tell_now(listener, worker_word::reply, {},
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    } else {
      const auto versions = mcp_texts_in(result, "supportedVersions");
      auto version = requests_.version();
      if (!versions.empty()
          && std::find(versions.begin(), versions.end(), version) == versions.end())
        version = versions.back();
      requests_.begin_stateless(std::move(version));
    }
    bool has_tools = false;
    static_cast<void>(base::each_member(result, [&](std::string_view key, std::string_view value) {
      if (key != "capabilities") return;
      static_cast<void>(base::each_member(value, [&](std::string_view name, std::string_view what) {
        has_tools |= name == "tools" && what.front() == '{';
      }));
    }));
    tell_now(listener, worker_word::ready, {}, {});
    if (has_tools) tell_now(listener, worker_word::tools_changed, {}, {});
  }

  /// The server rejected the greeting: it may name the supported versions, or need the other
  /// greeting.
  void rejected(std::string_view error, worker_listener& listener) {
    std::vector<std::string> versions;
    static_cast<void>(base::each_member(error, [&](std::string_view key, std::string_view value) {
      if (key == "data") versions = mcp_texts_in(value, "supported");
    }));
    if (refusal_.empty()) refusal_ = error_text(error);
    const auto stateless =
        std::find_if(versions.begin(), versions.end(),
                     [](const std::string& version) { return version >= mcp_stateless_version; });
    reply_.clear();
    if (!discovered_ && (versions.empty() || stateless != versions.end())) {
      discovered_ = true;
      add_discover(reply_, versions.empty() ? mcp_stateless_version : std::string_view{*stateless});
    } else if (stateless != versions.end() && *stateless != requests_.version()) {
      const auto other = *stateless;
      add_discover(reply_, other);
    } else if (!versions.empty() && second_initialize_.empty() && stateless == versions.end()) {
      second_initialize_ = std::string{mcp_greeting_prefix} + std::to_string(++greetings_);
      add_initialize(reply_, second_initialize_,
                     *std::max_element(versions.begin(), versions.end()));
    }
    if (!reply_.empty() && greetings_ < greetings_max)
      return tell_now(listener, worker_word::reply, {}, reply_);
    // A server that is slow to answer `initialize` may reject the other greeting first.
    if (unanswered_ > 0) return tell_now(listener, worker_word::ignored, {}, {});
    tell_now(listener, worker_word::refusal, {}, refusal_);
  }

  std::string_view name_of(std::string_view id) { return mcp_name_in(id, id_room_); }

  /// Replaces lone surrogates in text that is passed on.
  std::string_view mended(std::string_view result) {
    if (result.find("\\ud") == std::string_view::npos
        && result.find("\\uD") == std::string_view::npos)
      return result;
    result_room_ = result;
    base::mend_halves(result_room_);
    return result_room_;
  }

  /// Returns a JSON-RPC error's message, or the whole error if it has none.
  std::string_view error_text(std::string_view error) {
    std::string_view text;
    const bool valid = base::each_member(error, [&](std::string_view key, std::string_view value) {
      if (key == "message") text = base::decode_string(value, room_).value_or(text);
    });
    return valid && !text.empty() ? text : mended(error);
  }

  static constexpr std::uint64_t greetings_max = 4;

  line_cutter lines_;
  bool broken_ = false;
  bool begun_ = false;
  bool discovered_ = false;  ///< `server/discover` was sent.
  std::size_t line_bytes_ = 0;
  std::uint64_t greetings_ = 0;
  int unanswered_ = 0;             ///< Greetings without an answer.
  std::string second_initialize_;  ///< The id of an `initialize` in another version.
  std::string refusal_;
  std::string reply_, room_, id_room_, result_room_, mended_;
  mcp_requests requests_;
};

}  // namespace

std::unique_ptr<worker_codec> make_mcp_codec(std::size_t line_bytes_max) {
  return std::make_unique<mcp_codec>(line_bytes_max);
}

}  // namespace greenroom::protocols
