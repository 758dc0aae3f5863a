// What several actors write and anyone may read.
#pragma once

#include <mutex>

namespace greenroom::actors {

/// A value behind a lock, which is held for no longer than a copy takes. Not
/// `boost::synchronized_value`: that locks anew for each `->`, so two members may be of different
/// moments.
template <class Content>
class synchronized {
public:
  /// Calls `see(const Content&)` under the lock; it should copy what it wants and go.
  template <class See>
  auto read(See see) const {
    const std::lock_guard lock{mutex_};
    return see(static_cast<const Content&>(content_));
  }
  template <class Change>
  auto write(Change change) {
    const std::lock_guard lock{mutex_};
    return change(content_);
  }

private:
  mutable std::mutex mutex_;
  Content content_;
};

}  // namespace greenroom::actors
