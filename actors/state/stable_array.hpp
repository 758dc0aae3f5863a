// Things side by side that never move: where each one is follows from its number, without a table
// of pointers that a large fleet would have in no cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace greenroom::actors {

/// Room for a fixed number of `T`, of which the first `size()` exist. One thread makes more, others
/// may look at those that they have heard of. What is only room takes no memory.
template <class T>
class stable_array {
public:
  stable_array() = default;
  ~stable_array() {
    std::destroy_n(first_, size());
    if (first_ != nullptr) ::operator delete (first_, std::align_val_t{alignof(T)});
  }
  stable_array(const stable_array&) = delete;
  stable_array& operator=(const stable_array&) = delete;

  /// @pre There is no room yet.
  void make_room(std::size_t most) {
    first_ = static_cast<T*>(::operator new (most * sizeof(T), std::align_val_t{alignof(T)}));
    room_ = most;
  }
  /// @pre `count` ≤ `room()`
  void grow(std::size_t count) {
    for (auto at = size(); at < count; ++at) {
      std::construct_at(first_ + at);
      size_.store(at + 1, std::memory_order_release);
    }
  }
  [[nodiscard]] std::size_t room() const { return room_; }
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }

  [[nodiscard]] T& operator[](std::size_t at) { return first_[at]; }
  [[nodiscard]] const T& operator[](std::size_t at) const { return first_[at]; }
  [[nodiscard]] T* begin() { return first_; }
  [[nodiscard]] T* end() { return first_ + size(); }
  [[nodiscard]] const T* begin() const { return first_; }
  [[nodiscard]] const T* end() const { return first_ + size(); }

private:
  T* first_ = nullptr;
  std::size_t room_ = 0;
  std::atomic<std::size_t> size_{0};
};

}  // namespace greenroom::actors
