// An HTTP/1.1 server on the loops of the engine. RESTinio does the work; no other file sees it.
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

/// What a client asked, while the handler runs. Views last as long as the `responder` of the same
/// call or a copy of it does.
class request {
public:
  explicit request(void* inside) : inside_{inside} {}

  [[nodiscard]] method verb() const;
  [[nodiscard]] std::string_view method_name() const;  ///< As it came, `PROPFIND`.
  [[nodiscard]] std::string_view path() const;         ///< As it came, still percent-encoded.
  [[nodiscard]] std::string_view query() const;        ///< What follows the `?`, or nothing.
  /// The first header field of that name, case ignored.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// What it says of where it comes from; all of it read in one go.
  struct provenance {
    std::optional<std::string_view> host;  ///< Of an absolute target, which goes before the field.
    std::optional<std::string_view> origin, fetch_site, content_type;  ///< The first of each.
    bool repeated = false;  ///< One of these three is there again.
  };
  [[nodiscard]] provenance from() const;
  [[nodiscard]] std::string_view body() const;
  /// The body without a copy; afterwards `body` is empty.
  [[nodiscard]] std::string take_body();
  /// Forgets header fields and body: a request lives until it is answered, which may take long.
  void release();
  /// What the request line and the header fields take in memory, roughly.
  [[nodiscard]] std::size_t head_bytes() const;

private:
  void* inside_;
};

/// The one answer to a request. Copies share it; from any thread; the first answer counts and
/// later ones are dropped. When the last copy goes without an answer, the client gets a 500.
class responder {
public:
  responder() = default;
  explicit responder(std::shared_ptr<void> inside) : inside_{std::move(inside)} {}
  explicit operator bool() const { return inside_ != nullptr; }

  /// The path is one of OpenAI's interface (`is_openai_path`), so errors have its form.
  [[nodiscard]] bool is_openai() const;

  /// `headers` is whole lines, each ended by CR LF. `content_type` may be empty.
  void answer(int status, std::string_view content_type, std::string body,
              std::string_view headers = {}) const;

  /// Goes into the head of the answer, whoever gives it. Before anybody else has this responder.
  void add_headers(std::string_view lines) const;

  /// Begins an answer of unknown length: pieces follow, in the order of the calls.
  void begin(int status, std::string_view content_type, std::string_view headers = {}) const;
  /// False once the client is gone or was cut because it reads too slowly: then stop writing.
  bool write(std::string_view piece) const;  // NOLINT(modernize-use-nodiscard)
  /// Bytes that were written and are not in the socket yet.
  [[nodiscard]] std::size_t unsent() const;
  /// Of a begun answer: calls `room` on the loop each time that all of what was written is in the
  /// socket, so that a long answer can be written as fast as it is read. Set it before writing.
  void on_room(std::function<void()> room) const;
  /// What the kernel keeps for a client that does not read, at most; without it megabytes.
  void limit_send_buffer(std::size_t bytes) const;
  /// More than half of what may wait for the client to read it does: better write later.
  [[nodiscard]] bool crowded() const;
  /// The regular end of a begun answer.
  void end() const;
  /// Ends the connection in the middle of the answer, so that the client sees that it is not whole.
  void abort() const;

  /// Calls `gone` once if the client hangs up before the answer is complete; at once when it has
  /// already. On a loop thread. A client that ends its sending side counts as hung up.
  void on_close(std::function<void()> gone) const;
  [[nodiscard]] bool closed() const;

private:
  std::shared_ptr<void> inside_;
};

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one, see `server::port`.
  std::uint64_t request_bytes = std::uint64_t{16} << 20;
  std::size_t url_bytes = 8192;
  std::size_t header_bytes = 16384;  ///< One field's value; all together 80 KiB (http_parser's).
  std::size_t header_fields = 100;
  std::size_t connections = 4096;  ///< Over all loops; one more hears 503.
  /// Requests of one connection under way, at least 2; more are not read, and as long as so many
  /// wait, it is not seen that their client hangs up.
  std::size_t pipelined = 8;
  std::chrono::milliseconds header_timeout{10'000};  ///< First byte to end of headers, else 408.
  std::chrono::milliseconds idle_timeout{60'000};    ///< Between requests, and for a whole body.
  std::chrono::milliseconds write_timeout{60'000};   ///< One write to a client that does not read.
  std::size_t stream_bytes = std::size_t{1} << 20;   ///< Unsent bytes at which a stream is cut.
  /// Bodies that have not arrived in whole, all connections together; beyond it uploads hear 503.
  std::uint64_t unfinished_bytes = std::uint64_t{256} << 20;
  /// Answers that are not wholly in their sockets, all connections together. Beyond it whoever has
  /// read nothing for a second is cut off for the others' sake; where there is nobody, 503.
  std::uint64_t unsent_bytes = std::uint64_t{256} << 20;
};

/// All counters since the start, except `connections`, which is now.
struct server_counters {
  std::size_t connections = 0;
  std::uint64_t accepted = 0, requests = 0, refused = 0, malformed = 0, timed_out = 0, hung_up = 0,
                streams_cut = 0;
};

/// One acceptor per loop (SO_REUSEPORT when there are several); a connection stays on its loop.
class server {
public:
  /// Runs on the loop thread of the connection and must not block.
  using handler = std::function<void(request&, responder)>;

  /// Takes connections when this returns. An error is a sentence: the address is in use, and so on.
  /// @pre `on` is started and outlives the server; not called on a loop thread.
  static std::variant<std::unique_ptr<server>, std::string> start(engine& on,
                                                                  const server_options& options,
                                                                  handler handle);
  ~server();  ///< Stops.
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] server_counters counters() const;

  /// Closes the doors for new connections. Those that are there get the answers they wait for; who
  /// asks nothing, or has not wholly said what, is sent away at once.
  void stop_accepting();
  /// Ends all connections. No handler runs after this. Not called on a loop thread.
  void stop();

private:
  struct parts;
  explicit server(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::machine::http
