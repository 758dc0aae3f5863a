// An HTTP/1.1 server on the engine's loops. Hides RESTinio from all other folders.
#pragma once

#include "runtime/machine/io/engine.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::machine::http {

enum class method : std::uint8_t { get, head, post, put, delete_, patch, options, other };
[[nodiscard]] std::string_view to_string(method value);

/// A client's request, while the handler runs. Views are valid as long as the `responder` of the
/// same call, or a copy of it, exists.
class request {
public:
  explicit request(void* inside) : inside_{inside} {}

  [[nodiscard]] method verb() const;
  [[nodiscard]] std::string_view method_name() const;  ///< As received, `PROPFIND`.
  [[nodiscard]] std::string_view path() const;         ///< As received, still percent-encoded.
  [[nodiscard]] std::string_view query() const;        ///< The text after the `?`, or empty.
  /// The first header field with that name, case ignored.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// The fields that tell the request's origin, collected in one pass.
  struct provenance {
    std::optional<std::string_view> host;  ///< From an absolute target, which takes precedence over
                                           ///< the field.
    std::optional<std::string_view> origin, fetch_site, content_type;  ///< The first of each.
    bool repeated = false;  ///< One of these three fields occurs twice.
  };
  [[nodiscard]] provenance from() const;
  [[nodiscard]] std::string_view body() const;
  /// Moves the body out; afterwards `body` is empty.
  [[nodiscard]] std::string take_body();
  /// Frees header fields and body: a request lives until it is answered, which may take long.
  void release();
  /// Approximate memory of the request line and the header fields.
  [[nodiscard]] std::size_t head_bytes() const;

private:
  void* inside_;
};

/// The only answer to a request, shared by copies. Any thread. The first answer counts; later
/// answers are dropped. If the last copy is destroyed without an answer, the client gets a 500.
class responder {
public:
  responder() = default;
  explicit responder(std::shared_ptr<void> inside) : inside_{std::move(inside)} {}
  explicit operator bool() const { return inside_ != nullptr; }

  /// True for a path of OpenAI's interface (`is_openai_path`): errors then have OpenAI's form.
  [[nodiscard]] bool is_openai() const;

  /// `headers` are whole lines, each ended by CR LF. `content_type` may be empty.
  void answer(int status, std::string_view content_type, std::string body,
              std::string_view headers = {}) const;

  /// Adds lines to the head of any later answer. Call before the responder is copied or passed on.
  void add_headers(std::string_view lines) const;

  /// Begins an answer of unknown length; pieces follow in the order of the calls.
  void begin(int status, std::string_view content_type, std::string_view headers = {}) const;
  /// False once the client is gone or was cut off as a slow reader: then stop writing.
  bool write(std::string_view piece) const;  // NOLINT(modernize-use-nodiscard)
  /// Bytes that were written and are not yet in the socket.
  [[nodiscard]] std::size_t unsent() const;
  /// For a begun answer: calls `room` on the loop each time all written bytes are in the socket, so
  /// that a long answer can be written at the client's speed. Set before writing.
  void on_room(std::function<void()> room) const;
  /// Limits the kernel's send buffer for a client that does not read; the default is megabytes.
  void limit_send_buffer(std::size_t bytes) const;
  /// True when unsent bytes exceed half of the limit for this client: write later.
  [[nodiscard]] bool crowded() const;
  /// Ends a begun answer regularly.
  void end() const;
  /// Ends the connection in the middle of the answer, so that the client sees a truncated answer.
  void abort() const;

  /// Calls `gone` once if the client hangs up before the answer is complete; at once if it already
  /// has. On a loop thread. The end of the client's sending side counts as a hang-up.
  void on_close(std::function<void()> gone) const;
  [[nodiscard]] bool closed() const;

private:
  std::shared_ptr<void> inside_;
};

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free port, see `server::port`.
  std::uint64_t request_bytes = std::uint64_t{16} << 20;
  std::size_t url_bytes = 8192;
  std::size_t header_bytes = 16384;  ///< One field's value; all fields together 80 KiB
                                     ///< (http_parser's limit).
  std::size_t header_fields = 100;
  std::size_t connections = 4096;  ///< Over all loops; further clients get a 503.
  /// Concurrent requests of one connection, at least 2. Further requests are not read, and while
  /// the limit is reached, a hang-up of the client is not detected.
  std::size_t pipelined = 8;
  std::chrono::milliseconds header_timeout{10'000};  ///< First byte to end of headers, else 408.
  std::chrono::milliseconds idle_timeout{60'000};    ///< Between requests, and for a whole body.
  std::chrono::milliseconds write_timeout{60'000};   ///< One write to a client that does not read.
  std::size_t stream_bytes = std::size_t{1} << 20;   ///< Unsent bytes at which a stream is cut off.
  /// Limit on incomplete bodies of all connections together; beyond it uploads get a 503.
  std::uint64_t unfinished_bytes = std::uint64_t{256} << 20;
  /// Limit on unsent answer bytes of all connections together. Beyond it, clients that have read
  /// nothing for a second are cut off; if there are none, the answer is a 503.
  std::uint64_t unsent_bytes = std::uint64_t{256} << 20;
};

/// Counters since the start; `connections` is the current number.
struct server_counters {
  std::size_t connections = 0;
  std::uint64_t accepted = 0, requests = 0, refused = 0, malformed = 0, timed_out = 0, hung_up = 0,
                streams_cut = 0;
};

/// One acceptor per loop (SO_REUSEPORT if there are several); a connection stays on its loop.
class server {
public:
  /// Runs on the loop thread of the connection and must not block.
  using handler = std::function<void(request&, responder)>;

  /// Accepts connections when this returns. An error is a sentence, such as "the address is in
  /// use".
  /// @pre `on` is started and outlives the server; not called on a loop thread.
  static std::variant<std::unique_ptr<server>, std::string> start(engine& on,
                                                                  const server_options& options,
                                                                  handler handle);
  ~server();  ///< Stops.
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] server_counters counters() const;

  /// Stops accepting connections. Waiting requests still get their answers; idle connections and
  /// incomplete requests are closed at once.
  void stop_accepting();
  /// Closes all connections. No handler runs afterwards. Not called on a loop thread.
  void stop();

private:
  struct parts;
  explicit server(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::machine::http
