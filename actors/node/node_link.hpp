// The way to a node for those who may outlive it.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace greenroom {

class node;

namespace actors {

/// Open from when the node has started until it is destroyed. From any thread.
class node_link {
public:
  void open(node& to) {
    const std::lock_guard lock{mutex_};
    node_ = &to;
  }
  /// Returns when nobody uses the node by way of this link any more.
  void close() {
    const std::lock_guard lock{mutex_};
    node_ = nullptr;
  }
  /// What `use` makes of the node, or `otherwise` when there is none any more.
  template <class Use, class Result>
  Result with(Use&& use, Result otherwise) {
    const std::shared_lock lock{mutex_};
    if (node_ == nullptr) return otherwise;
    return std::forward<Use>(use)(*node_);
  }

private:
  std::shared_mutex mutex_;
  node* node_ = nullptr;
};

}  // namespace actors
}  // namespace greenroom
