// A value that is allocated on the first change.
#pragma once

#include <memory>

namespace greenroom::runtime {

/// Reads as `T{}` until `own` is called. In a cast of 100,000 specialists most are rarely or never
/// used, and the learned state of one takes kilobytes.
template <class T>
class made_late {
public:
  const T& operator*() const {
    static const T untouched{};
    return made_ ? *made_ : untouched;
  }
  const T* operator->() const { return &**this; }
  [[nodiscard]] bool made() const { return made_ != nullptr; }
  /// Allocates the value on the first call.
  T& own() {
    if (!made_) made_ = std::make_unique<T>();
    return *made_;
  }

private:
  std::unique_ptr<T> made_;
};

}  // namespace greenroom::runtime
