// A value that takes memory only once it is changed.
#pragma once

#include <memory>

namespace greenroom::runtime {

/// Reads as `T{}` until `own` is called. Of a hundred thousand specialists most are seldom or never
/// asked, and what is learnt of one is some kilobytes.
template <class T>
class made_late {
public:
  const T& operator*() const {
    static const T untouched{};
    return made_ ? *made_ : untouched;
  }
  const T* operator->() const { return &**this; }
  [[nodiscard]] bool made() const { return made_ != nullptr; }
  /// To change it.
  T& own() {
    if (!made_) made_ = std::make_unique<T>();
    return *made_;
  }

private:
  std::unique_ptr<T> made_;
};

}  // namespace greenroom::runtime
