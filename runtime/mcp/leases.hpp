// When sessions of clients, and instances of servers that hold a client's state, end.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::runtime::mcp {

/// A lease begins with `open`, and again with each use. It cannot end while a call is under way. A
/// stream that is only open (a client's GET) is no use: clients leave such streams open for days.
class leases {
public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

  /// What happens beyond the bounds.
  enum class when_full : std::uint8_t {
    refuse,  ///< For state that nobody can make again.
    /// Those that were not used for longest end, and no more of them than the new one needs. A
    /// lease whose call is under way does not; where that leaves too little room, none ends and the
    /// new one is refused.
    end_longest,
  };
  struct settings {
    duration lease = std::chrono::minutes{10};
    std::size_t count_max = 4096;
    std::size_t bytes_max = std::size_t{64} << 20;
    when_full beyond = when_full::refuse;
  };

  explicit leases(settings set) : set_{set} {}
  /// A shorter lease holds for leases that have begun, too.
  void configure(settings set) { set_ = set; }

  struct opened {
    bool done = false;               ///< False: full. `next_end` says when there may be room.
    std::vector<std::string> ended;  ///< To make room.
  };
  /// A new lease with `bytes` of memory. One that exists already is used instead.
  opened open(std::string_view key, std::size_t bytes, time_point now);
  /// False: there is none, or it has ended but was not taken by `take_ended` yet; then it goes on.
  bool use(std::string_view key, time_point now);
  [[nodiscard]] bool has(std::string_view key) const { return entries_.contains(key); }
  /// False: full; then nothing has changed.
  bool resize(std::string_view key, std::size_t bytes);

  /// A call begins and ends. `end_call` is the last use. False: there is no such lease.
  bool begin_call(std::string_view key, time_point now);
  bool end_call(std::string_view key, time_point now);

  /// Ends one at once, by its owner's word. False: there is none.
  bool close(std::string_view key);
  /// Removes and returns those that have ended, the earliest first.
  [[nodiscard]] std::vector<std::string> take_ended(time_point now);
  /// When the next one ends; nothing: none will without a further event.
  [[nodiscard]] std::optional<time_point> next_end() const;

  [[nodiscard]] std::size_t count() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t calls(std::string_view key) const;

private:
  struct entry {
    time_point used{};
    std::size_t bytes = 0;
    std::size_t calls = 0;
  };
  using table = std::map<std::string, entry, std::less<>>;

  void idle(const table::value_type& one);
  void busy(const table::value_type& one);
  void erase(table::iterator at);

  settings set_;
  table entries_;
  std::set<std::pair<time_point, std::string>> idle_;  // Without a call, by last use.
  std::size_t bytes_ = 0;
  std::size_t idle_bytes_ = 0;
};

}  // namespace greenroom::runtime::mcp
