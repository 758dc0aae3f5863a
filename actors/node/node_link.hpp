// A reference to a node for objects that may outlive the node.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace greenroom {

class node;

namespace actors {

/// Open from the end of the node's start until the node is destroyed. From any thread.
class node_link {
public:
  void open(node& to) {
    const std::lock_guard lock{mutex_};
    node_ = &to;
  }
  /// Returns when no call of `with` uses the node any more.
  void close() {
    const std::lock_guard lock{mutex_};
    node_ = nullptr;
  }
  /// Returns `use(node)`, or `otherwise` when the link is closed.
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
