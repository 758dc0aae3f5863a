// Clients that listen to the node's events (server-sent events, WHATWG HTML section 9.2).
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

/// Each client gets every event once and in order, as fast as it reads: what it has not read stays
/// in the node's log, which all clients share, and a few pieces of it are on their way to each. A
/// client that falls so far behind that the log has dropped what comes next is cut, and may come
/// back with the number of the last event that it saw.
class event_streams : public std::enable_shared_from_this<event_streams> {
public:
  static constexpr std::chrono::seconds heartbeat{15};
  /// On their way to one client at once, and the same again in the kernel.
  static constexpr std::size_t piece_bytes = std::size_t{32} << 10;

  static std::shared_ptr<event_streams> open(node& of, machine::engine& on);
  event_streams(node& of, machine::engine& on);

  /// Answers with a stream of the events after `after`; with nothing, of those to come. Refuses
  /// when there are `clients_max` streams already.
  void add(const machine::http::responder& reply, std::optional<std::uint64_t> after,
           std::size_t clients_max);
  /// Ends all streams; those that come later hear at once that the node goes down. Nothing of this
  /// object is on the engine's loops when it returns, but for what holds it by itself.
  void close();

private:
  struct client {
    machine::http::responder reply;
    std::uint64_t last = 0;  ///< The number of the last event that was written.
  };
  /// Events of consecutive numbers as they go over the wire, for all clients that come by there.
  struct piece {
    std::uint64_t after = 0, last = 0;
    std::shared_ptr<const std::string> text;
  };

  /// Sees to it that `pump` runs soon, once however many ask. From any thread.
  void wake();
  /// Gives some clients what they have room for, and goes on with the others later, so that
  /// thousands of them do not hold up the loop.
  void pump();
  [[nodiscard]] bool feed(client& one);
  [[nodiscard]] piece piece_after(std::uint64_t number);
  /// The timer of the heartbeat. Only its loop owns it: whoever waits for a task holds these
  /// streams too, and may go after the engine.
  struct pulse;
  void beat(const std::shared_ptr<pulse>& with);

  node* of_;
  boost::asio::io_context* loop_;
  std::weak_ptr<pulse> pulse_;
  std::shared_ptr<void> subscription_;
  std::atomic<bool> woken_{false}, closed_{false};
  std::mutex guard_;            ///< Guards what follows.
  std::list<client> clients_;   ///< In the order of their turns.
  std::size_t turns_left_ = 0;  ///< Clients that have not had their turn in this round.
  std::deque<piece> pieces_;    ///< The latest.
};

}  // namespace greenroom::doors
