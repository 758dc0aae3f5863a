// The HTTP door of a node: every route of the contract, from the request to the node and back.
#pragma once

#include "actors/doors/http_door_options.hpp"
#include "actors/node/node.hpp"
#include "protocols/base/expected.hpp"
#include "runtime/machine/http/server.hpp"
#include "runtime/machine/io/engine.hpp"

#include <cstdint>
#include <memory>

namespace greenroom::doors {

class http_door {
public:
  /// Takes requests when this returns.
  /// @pre `engine` is started. `served` and `engine` outlive the door.
  static base::expected<std::unique_ptr<http_door>> open(node& served, machine::engine& engine,
                                                         http_door_options options);
  ~http_door();  ///< Closes at once.
  http_door(const http_door&) = delete;
  http_door& operator=(const http_door&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] machine::http::server_counters counters() const;
  /// Takes no new connection; open requests still get their answers. Event streams end.
  void stop_accepting();
  void close();

private:
  struct parts;
  explicit http_door(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::doors
