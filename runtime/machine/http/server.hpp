// An HTTP/1.1 server on the engine's loops. Hides RESTinio from all other folders.
#pragma once

#include "protocols/base/expected.hpp"
#include "runtime/machine/http/request.hpp"
#include "runtime/machine/http/responder.hpp"
#include "runtime/machine/http/server_options.hpp"
#include "runtime/machine/io/engine.hpp"

#include <cstdint>
#include <memory>

namespace greenroom::machine::http {

/// One acceptor per loop (SO_REUSEPORT if there are several); a connection stays on its loop.
class server {
public:
  using handler = request_handler;

  /// Accepts connections when this returns. The problem's text is a sentence, such as "the
  /// address is in use".
  /// @pre `on` is started and outlives the server; not called on a loop thread.
  static base::expected<std::unique_ptr<server>> start(engine& on, const server_options& options,
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
