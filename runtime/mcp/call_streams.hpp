// Which call a message of a server belongs to, so that it leaves on that call's stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::runtime::mcp {

/// The calls that one process of a server works on, and the requests of that server that a client
/// has yet to answer.
class call_streams {
public:
  using call_number = std::uint64_t;
  struct settings {
    std::size_t calls_max = 1024;
    std::size_t requests_max = 64;  ///< Of the server, of one call.
  };

  call_streams() : call_streams{settings{}} {}
  explicit call_streams(settings set) : set_{set} {}

  /// A call begins. `client_token` is the JSON of the client's progress token; empty: none is
  /// wanted. False: there are too many, or the number is in use.
  bool begin(call_number call, std::string client_token);
  /// The call has ended: nothing belongs to it any more. The requests that it left open are
  /// forgotten.
  void end(call_number call);

  /// The token for the server: unique among all calls, because clients choose theirs without
  /// knowing of each other. As JSON.
  [[nodiscard]] static std::string inner_token(call_number call);

  struct progress {
    call_number call = 0;
    std::string client_token;
  };
  /// Whose progress a token (JSON) reports, and the token for the client. Nothing: the call has
  /// ended or wants none, or `value` does not rise, which clients may rely on.
  [[nodiscard]] std::optional<progress> take_progress(std::string_view token, double value);

  /// Whose message without a token is: the only call that is under way. Nothing when there is none
  /// or there are several, because a message on the wrong stream would show one client's text to
  /// another.
  [[nodiscard]] std::optional<call_number> only_call() const;

  /// The server asks the client something, under its own id (JSON). Returns the id for the client
  /// (JSON), unique among all requests of this object. Nothing: it belongs to no call, or there are
  /// too many.
  [[nodiscard]] std::optional<std::string> take_request(std::string_view server_id);
  struct answered {
    call_number call = 0;
    std::string server_id;  ///< JSON
  };
  /// The client has answered. Nothing: no request is open under this id, or another call's client
  /// answers; then it stays open.
  [[nodiscard]] std::optional<answered> take_answer(std::string_view client_id, call_number call);

  [[nodiscard]] std::size_t count() const { return calls_.size(); }

private:
  struct entry {
    std::string client_token;
    std::optional<double> last;
    std::size_t requests = 0;
  };

  settings set_;
  std::map<call_number, entry> calls_;
  std::map<std::string, answered, std::less<>> requests_;
  std::uint64_t asked_ = 0;
};

}  // namespace greenroom::runtime::mcp
