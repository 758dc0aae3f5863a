// Which catalogs a thread may refer to, so that a replaced catalog is released as soon as no thread
// can refer to it.
#pragma once

#include <cstddef>
#include <memory>

namespace greenroom::actors {

struct catalog;

/// What a thread holds; for `catalog_reader`. The catalogs themselves are in a list by age.
struct held_state {
  const catalog* newest = nullptr;  ///< The last of the list.
  std::size_t held = 0;             ///< The length of the list.
  /// How many of the list were read before the outermost scope began, and outside of any scope: the
  /// end of the scope keeps them.
  std::size_t base = 0;
  std::size_t depth = 0;  ///< Scopes that are open.
  bool outside = false;   ///< A catalog was read outside of a scope since the last turn.
};

/// Every thread holds a counted reference to each catalog that it has read, so a reload never
/// releases a catalog that a thread refers to, and a read costs two loads: only the first read
/// after a reload changes the counts. A reference from `now()` is valid
///  - inside a `scope`, until the outermost one of that thread ends: for code that any thread may
///    call, such as the node's own functions;
///  - outside, until the thread calls `turn()`, which means that nothing on its stack refers to a
///    catalog. Threads that run actors or an event loop call it between two actors or handlers.
/// Thus an idle thread holds only the catalog that it read last.
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

  /// Notes that this thread reads. True when `now` is the newest catalog that the thread holds.
  [[nodiscard]] static bool reads_newest(const catalog* now) {
    auto& mine = held_here;
    if (mine.depth == 0) mine.outside = true;
    return mine.newest == now;
  }
  static const catalog& hold(std::shared_ptr<const catalog> fresh);

private:
  // Releases the catalogs from number `from` on, except the newest.
  static void release(std::size_t from);

  inline static thread_local constinit held_state held_here{};
};

}  // namespace greenroom::actors
