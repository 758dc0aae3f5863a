// Clients that listen to the node's events (server-sent events, WHATWG HTML section 9.2).
#pragma once

#include "actors/node.hpp"
#include "runtime/machine/http/server.hpp"
#include "runtime/machine/io/engine.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace greenroom::doors {

/// Each client gets every event once and in order; one that does not read is cut by the server
/// when its buffer is full, and may come back with the number of the last event that it saw.
class event_streams : public std::enable_shared_from_this<event_streams> {
public:
  static constexpr std::chrono::seconds heartbeat{15};

  static std::shared_ptr<event_streams> open(node& of, machine::engine& on);
  explicit event_streams(node& of);

  /// Answers with a stream of the events after `after`; with nothing, of those to come.
  void add(const machine::http::responder& reply, std::optional<std::uint64_t> after);
  /// Ends all streams; those that come later hear at once that the node goes down.
  void close();

private:
  struct client {
    machine::http::responder reply;
    std::uint64_t last = 0;
  };
  /// The timer of the heartbeat. Only its loop owns it: whoever waits for a task holds these
  /// streams too, and may go after the engine.
  struct pulse;
  void pump();
  void beat(const std::shared_ptr<pulse>& with);

  node* of_;
  std::weak_ptr<pulse> pulse_;
  std::shared_ptr<void> subscription_;
  std::mutex guard_;
  std::list<client> clients_;
  std::uint64_t newest_ = 0;  ///< The last event that was given to all.
  bool closed_ = false;
};

}  // namespace greenroom::doors
