// The values of results that a test expects to have one.
#pragma once

#include "protocols/base/expected.hpp"

#include <stdexcept>

namespace greenroom::base {

/// Without a value the test ends and says the reason.
template <class T, class Problem>
[[nodiscard]] T value_of(expected<T, Problem> result) {
  if (result) return *std::move(result);
  if constexpr (requires { result.error().text; })
    throw std::runtime_error{result.error().text};
  else
    throw std::runtime_error{result.error().message};
}

}  // namespace greenroom::base
