// Which casts a thread may be looking at, so that a cast which was replaced goes as soon as nobody
// can look at it any more.
#pragma once

#include <cstddef>
#include <memory>

namespace greenroom::actors {

struct catalog;

/// What a thread holds; for `catalog_reader`. The casts themselves are in a list by age.
struct held_state {
  const catalog* newest = nullptr;  ///< The last one of the list.
  std::size_t held = 0;             ///< The length of the list.
  /// How many of the list were read before the outermost scope began, and outside of any: the end
  /// of the scope keeps them.
  std::size_t base = 0;
  std::size_t depth = 0;  ///< Scopes that are open.
  bool outside = false;   ///< A cast was read outside of a scope since the last turn.
};

/// Every thread holds a counted reference to each cast that it has read, so a reload never takes
/// one away under somebody's eyes, and to read costs two loads: the counts are touched only by the
/// first read after a reload. A reference that a thread has got is good
///  - inside a `scope`, until the outermost one of that thread ends: for code that any thread may
///    call, such as the node's own functions;
///  - outside, until the thread says `turn()`: that nothing on its stack looks at a cast. Threads
///    that run actors, or an event loop, say so between two things that they do.
/// Thus an idle thread holds the cast that it read last, and no other.
class catalog_reader {
public:
  class scope {
  public:
    scope() {
      auto& mine = held_here;
      if (mine.depth++ == 0) mine.base = mine.outside ? mine.held : 0;
    }
    ~scope() {
      auto& mine = held_here;
      if (--mine.depth == 0 && mine.held > mine.base + 1) release(mine.base);
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
  };

  static void turn() {
    auto& mine = held_here;
    if (mine.depth > 0) return;
    mine.outside = false;
    if (mine.held > 1) release(0);
  }

  /// Notes that this thread reads, and says whether `now` is the newest cast that it holds.
  [[nodiscard]] static bool reads_newest(const catalog* now) {
    auto& mine = held_here;
    if (mine.depth == 0) mine.outside = true;
    return mine.newest == now;
  }
  static const catalog& hold(std::shared_ptr<const catalog> fresh);

private:
  // Keeps those from number `from` on no more, but for the newest.
  static void release(std::size_t from);

  inline static thread_local constinit held_state held_here{};
};

}  // namespace greenroom::actors
