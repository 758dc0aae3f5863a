#include "protocols/worker_mcp.hpp"

#include "protocols/json_text.hpp"

#include <algorithm>
#include <array>

namespace greenroom::protocols {
namespace {

/// The newest is offered; a server may answer with any of these.
constexpr std::array<std::string_view, 4> versions{"2025-11-25", "2025-06-18", "2025-03-26",
                                                   "2024-11-05"};
constexpr std::string_view initialize_id = "0";  ///< Tasks are numbered from 1 on.
/// Pings are numbered from here on: no node lives for so many tasks.
constexpr std::string_view ping_prefix = "9000000000";

class mcp_codec final : public worker_codec {
public:
  explicit mcp_codec(std::size_t line_bytes_max) : lines_{line_bytes_max} {}

  bool numbers_names() const override { return true; }

  void greet(std::string& out) override {
    out += R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")";
    out += versions.front();
    out += R"(","capabilities":{},"clientInfo":{"name":"greenroom","version":"0.1.0"}}})";
    out += '\n';
  }

  std::string add_task(std::string& out, std::string_view name, std::string_view input,
                       std::int64_t) override {
    std::string_view tool, arguments = "{}", method, params;
    const bool valid = each_member(input, [&](std::string_view key, std::string_view value) {
      if (key == "tool")
        tool = value;
      else if (key == "arguments")
        arguments = value;
      else if (key == "method")
        method = value;
      else if (key == "params")
        params = value;
    });
    const auto is = [](std::string_view value, char first) {
      return !value.empty() && value.front() == first;
    };
    if (!valid || is(tool, '"') == is(method, '"'))
      return R"(the input of an MCP server is {"tool":"…","arguments":{…}} or )"
             R"({"method":"…","params":{…}})";
    if (is(tool, '"') && !is(arguments, '{')) return "the arguments of an MCP tool are an object";
    if (!params.empty() && !is(params, '{')) return "the params of an MCP method are an object";
    out.reserve(out.size() + input.size() + 120);
    out += R"({"jsonrpc":"2.0","id":)";
    out += name;
    if (is(tool, '"')) {
      out += R"(,"method":"tools/call","params":{"name":)";
      append_one_line(out, tool);
      out += R"(,"arguments":)";
      append_one_line(out, arguments);
      out += "}}\n";
    } else {
      out += R"(,"method":)";
      append_one_line(out, method);
      if (!params.empty()) {
        out += R"(,"params":)";
        append_one_line(out, params);
      }
      out += "}\n";
    }
    return {};
  }

  bool add_cancel(std::string& out, std::string_view name) override {
    out += R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)";
    out += name;
    out += R"(,"reason":"nobody waits for it any more"}})";
    out += '\n';
    return true;
  }

  bool add_ping(std::string& out) override {
    out += R"({"jsonrpc":"2.0","id":)";
    out += ping_prefix;
    out += std::to_string(++pings_);
    out += R"(,"method":"ping"})";
    out += '\n';
    return true;
  }

  void feed(std::string_view bytes, worker_listener& listener) override {
    if (broken_) return;
    const bool fits = lines_.feed(bytes, [&](std::string_view line) {
      understand(line, listener);
      return !broken_;
    });
    if (!fits && !broken_) complain("a line longer than allowed", listener);
    release_large(room_);
    release_large(reply_);
  }

private:
  struct message {
    std::string_view version, id, method, result, error;
  };

  static void tell(worker_listener& listener, worker_word word, std::string_view id,
                   std::string_view text) {
    worker_message said;
    said.word = word;
    said.id = id;
    said.text = text;
    listener.on_message(said);
  }

  void complain(std::string_view why, worker_listener& listener) {
    broken_ = true;
    tell(listener, worker_word::nonsense, {}, why);
  }

  void understand(std::string_view line, worker_listener& listener) {
    if (line.empty()) return;
    message got;
    const bool valid = each_member(line, [&](std::string_view key, std::string_view value) {
      if (key == "jsonrpc")
        got.version = value;
      else if (key == "id")
        got.id = value;
      else if (key == "method")
        got.method = value;
      else if (key == "result")
        got.result = value;
      else if (key == "error")
        got.error = value;
    });
    if (!valid || got.version != R"("2.0")")
      return complain("a line that is not one JSON-RPC 2.0 message", listener);
    if (!got.method.empty()) return asked(got, listener);
    if (got.id.empty() || got.result.empty() == got.error.empty())
      return complain("a JSON-RPC message that is no request, answer or notification", listener);
    answered(got, listener);
  }

  /// A request or a notification of the server.
  void asked(const message& got, worker_listener& listener) {
    if (got.id.empty() || got.id == "null") return tell(listener, worker_word::ignored, {}, {});
    if (got.id.front() != '"' && got.id.front() != '-'
        && (got.id.front() < '0' || got.id.front() > '9'))
      return complain("a request whose id is neither text nor a number", listener);
    reply_ = R"({"jsonrpc":"2.0","id":)";
    reply_ += got.id;
    if (got.method == R"("ping")") {
      reply_ += R"(,"result":{}})";
    } else {
      reply_ += R"(,"error":{"code":-32601,"message":"Method not found"}})";
    }
    reply_ += '\n';
    tell(listener, worker_word::reply, {}, reply_);
    // A server that floods its client with requests must be noticed as well.
    tell(listener, worker_word::ignored, {}, {});
  }

  void answered(const message& got, worker_listener& listener) {
    if (got.id == initialize_id) return initialized(got, listener);
    if (got.id.size() > ping_prefix.size() && got.id.starts_with(ping_prefix))
      return tell(listener, worker_word::pong, {}, {});
    // Some servers give the identifier back as text.
    auto name = got.id;
    if (name.size() > 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
    if (!got.error.empty()) return tell(listener, worker_word::error, name, error_text(got.error));
    tell(listener, worker_word::result, name, got.result);
  }

  void initialized(const message& got, worker_listener& listener) {
    if (!got.error.empty())
      return complain("a refusal to initialize: " + std::string{error_text(got.error)}, listener);
    std::string_view version;
    const bool valid = each_member(got.result, [&](std::string_view key, std::string_view value) {
      if (key == "protocolVersion") string_value(value, room_, version);
    });
    if (!valid || version.empty())
      return complain("an answer to initialize without a protocolVersion", listener);
    if (std::find(versions.begin(), versions.end(), version) == versions.end())
      return complain(
          "MCP version " + std::string{version.substr(0, 40)} + ", which this node does not speak",
          listener);
    tell(listener, worker_word::reply, {},
         "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    tell(listener, worker_word::ready, {}, {});
  }

  /// The message of a JSON-RPC error, or all of it if it has none.
  std::string_view error_text(std::string_view error) {
    std::string_view text;
    const bool valid = each_member(error, [&](std::string_view key, std::string_view value) {
      if (key == "message") string_value(value, room_, text);
    });
    return valid && !text.empty() ? text : error;
  }

  line_cutter lines_;
  bool broken_ = false;
  std::uint64_t pings_ = 0;
  std::string reply_, room_;
};

}  // namespace

std::unique_ptr<worker_codec> make_mcp_codec(std::size_t line_bytes_max) {
  return std::make_unique<mcp_codec>(line_bytes_max);
}

}  // namespace greenroom::protocols
