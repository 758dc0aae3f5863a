// A value, or why there is none.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace greenroom::base {

/// Why something could not be done.
struct problem {
  std::string_view code;  ///< One word that programs decide by; a literal.
  std::string text;       ///< For people, without a full stop: "has no host".

  friend bool operator==(const problem&, const problem&) = default;
};

/// Holds a T or a Problem, and never neither. What `std::expected` is in C++23.
template <class T, class Problem = problem>
class [[nodiscard]] expected {
public:
  expected(T value) : held_{std::in_place_index<0>, std::move(value)} {}
  expected(Problem why) : held_{std::in_place_index<1>, std::move(why)} {}

  [[nodiscard]] bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// @pre has_value()
  [[nodiscard]] T& operator*() & { return *std::get_if<0>(&held_); }
  [[nodiscard]] const T& operator*() const& { return *std::get_if<0>(&held_); }
  [[nodiscard]] T&& operator*() && { return std::move(*std::get_if<0>(&held_)); }
  T* operator->() { return std::get_if<0>(&held_); }
  const T* operator->() const { return std::get_if<0>(&held_); }
  /// @pre !has_value()
  [[nodiscard]] const Problem& error() const { return *std::get_if<1>(&held_); }

  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }

  friend bool operator==(const expected&, const expected&) = default;

private:
  std::variant<T, Problem> held_;
};

/// Nothing went wrong, or why something did.
template <class Problem>
class [[nodiscard]] expected<void, Problem> {
public:
  expected() = default;
  expected(Problem why) : held_{std::in_place_index<1>, std::move(why)} {}

  [[nodiscard]] bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  /// @pre !has_value()
  [[nodiscard]] const Problem& error() const { return *std::get_if<1>(&held_); }

private:
  std::variant<std::monostate, Problem> held_;
};

}  // namespace greenroom::base
