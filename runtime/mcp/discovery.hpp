// Which servers of unknown offer are started to learn it, and how long a list waits for them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::mcp {

class discovery {
public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;
  enum class mode : std::uint8_t {
    eager,  ///< As soon as a server is known to exist.
    lazy,   ///< When a list asks for the first time.
    off,    ///< Never: an offer becomes known when the server is started for another reason.
  };
  struct settings {
    mode when = mode::eager;
    std::size_t at_once = 3;                    ///< `pool.warming_concurrency`
    duration wait = std::chrono::seconds{10};   ///< `mcp.discover_wait`
    duration again = std::chrono::seconds{30};  ///< After a failure; doubled after each further.
    duration again_max = std::chrono::minutes{10};
  };

  explicit discovery(settings set) : set_{set} {}
  /// Servers that were not started yet follow the new mode: in `eager` they are wanted now, else
  /// only those that a list has asked for.
  void configure(settings set);

  /// A server whose offer is not known.
  void add(std::string_view server);
  /// The offer is known now, or the server is gone.
  void remove(std::string_view server);
  /// A list asks for these servers: in `lazy` they are wanted from now on, and those that failed
  /// are wanted again when their pause is over.
  void ask(const std::vector<std::string>& servers);

  /// The servers to start now, in the order in which they became wanted. Each is counted as under
  /// way until `remove` or `fail`.
  [[nodiscard]] std::vector<std::string> start(time_point now);
  /// A start failed. The server is not started by itself again, only for a list.
  void fail(std::string_view server, time_point now);
  /// When `start` has more to say without another event; nothing: never.
  [[nodiscard]] std::optional<time_point> next_start(time_point now) const;

  /// Until when a list that asked at `asked_at` waits for these servers: nothing when all of them
  /// are known, failed, or are not going to be started.
  [[nodiscard]] std::optional<time_point> waits_until(const std::vector<std::string>& servers,
                                                      time_point asked_at, time_point now) const;

  [[nodiscard]] std::size_t under_way() const;

private:
  enum class state : std::uint8_t { idle, wanted, under_way, failed };
  struct entry {
    state now = state::idle;
    std::uint64_t order = 0;
    unsigned failures = 0;
    bool asked = false;  ///< By a list; since the last failure, if there was one.
    time_point not_before{};
  };

  [[nodiscard]] bool is_due(const entry& one, time_point now) const {
    return one.now == state::wanted
           || (one.now == state::failed && one.asked && one.not_before <= now);
  }

  settings set_;
  std::uint64_t orders_ = 0;
  std::map<std::string, entry, std::less<>> entries_;
};

}  // namespace greenroom::runtime::mcp
