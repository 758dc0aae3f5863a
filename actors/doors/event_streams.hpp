// The clients of `GET /v1/events` (server-sent events, WHATWG HTML section 9.2).
#pragma once

#include "actors/node/node.hpp"
#include "runtime/machine/http/server.hpp"
#include "runtime/machine/io/engine.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace greenroom::doors {

/// Each client gets every event once and in order, as fast as the client reads: unread events stay
/// in the node's log, which all clients share, and only a few pieces are in flight to each client.
/// A client for which the log has already dropped the next event is disconnected, and may reconnect
/// with the number of the last event that it got.
class event_streams : public std::enable_shared_from_this<event_streams> {
public:
  static constexpr std::chrono::seconds heartbeat{15};
  /// In flight to one client, and the same again in the kernel.
  static constexpr std::size_t piece_bytes = std::size_t{32} << 10;

  static std::shared_ptr<event_streams> open(node& served, machine::engine& engine);
  event_streams(node& served, machine::engine& engine);

  /// Answers with a stream of the events after number `after`; without a number, of new events.
  /// Refuses when there are `clients_max` streams already.
  void add(const machine::http::responder& reply, std::optional<std::uint64_t> after,
           std::size_t clients_max);
  /// Ends all streams; later requests are refused. When this returns, only entries that share the
  /// ownership of this object are left on the engine's loops.
  void close();

private:
  struct client {
    machine::http::responder reply;
    std::uint64_t last = 0;  ///< The number of the last event that was written.
  };
  /// Consecutive events as text, shared by all clients that need them.
  struct piece {
    std::uint64_t after = 0, last = 0;
    std::shared_ptr<const std::string> text;
  };

  /// Has `send_some` run soon, once for any number of calls. From any thread.
  void wake();
  /// Sends to some clients what they have room for, and continues with the others later, so that
  /// thousands of clients do not delay the loop.
  void send_some();
  [[nodiscard]] bool send_to(client& one);
  [[nodiscard]] piece piece_after(std::uint64_t number);
  /// Owned by its loop only: callers who wait for tasks hold these streams, and may be destroyed
  /// after the engine.
  struct heartbeat_timer;
  void arm_heartbeat(const std::shared_ptr<heartbeat_timer>& with);

  node::parts* parts_;
  boost::asio::io_context* loop_;
  std::weak_ptr<heartbeat_timer> heartbeat_timer_;
  std::shared_ptr<void> subscription_;
  std::atomic<bool> woken_{false}, closed_{false};
  std::mutex guard_;            ///< Guards what follows.
  std::list<client> clients_;   ///< In the order of their turns.
  std::size_t turns_left_ = 0;  ///< Clients without a turn in this round.
  std::deque<piece> pieces_;    ///< The latest.
};

}  // namespace greenroom::doors
