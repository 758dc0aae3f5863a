#include "actors/doors/http_door.hpp"

#include "actors/doors/door.hpp"
#include "actors/doors/event_streams.hpp"
#include "actors/doors/host_origin_check.hpp"
#include "actors/doors/route_table.hpp"

#include <utility>
#include <variant>

namespace greenroom::doors {

struct http_door::parts {
  door_ptr shared;
  std::unique_ptr<machine::http::server> server;
};

http_door::http_door(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

base::expected<std::unique_ptr<http_door>> http_door::open(node& served, machine::engine& engine,
                                                           http_door_options options) {
  auto shared = std::make_shared<door>();
  shared->node = &served;
  shared->engine = &engine;
  shared->options = std::move(options);
  shared->events = event_streams::open(served, engine);
  shared->access = std::make_shared<host_origin_check>(shared->options.address);
  const auto& limits = shared->options.limits;
  machine::http::server_options wanted;
  wanted.address = shared->options.address;
  wanted.port = shared->options.port;
  wanted.request_bytes = limits.request_bytes;
  wanted.connections = limits.connections;
  wanted.unfinished_bytes = limits.upload_bytes;
  wanted.unsent_bytes = limits.unsent_bytes;
  wanted.header_timeout = limits.header_timeout;
  wanted.idle_timeout = limits.idle_timeout;
  auto started = machine::http::server::start(
      engine, wanted,
      [shared](machine::http::request& request, const machine::http::responder& reply) {
        dispatch(shared, request, reply);
      });
  if (!started) {
    shared->events->close();
    return started.error();
  }
  auto inside = std::make_unique<parts>();
  inside->server = *std::move(started);
  shared->access->set_port(inside->server->port());
  inside->shared = std::move(shared);
  return std::unique_ptr<http_door>{new http_door{std::move(inside)}};
}

http_door::~http_door() { close(); }

std::uint16_t http_door::port() const { return parts_->server->port(); }

machine::http::server_counters http_door::counters() const { return parts_->server->counters(); }

void http_door::stop_accepting() {
  parts_->shared->events->close();
  parts_->server->stop_accepting();
}

void http_door::close() {
  parts_->shared->events->close();
  parts_->server->stop();
}

}  // namespace greenroom::doors
