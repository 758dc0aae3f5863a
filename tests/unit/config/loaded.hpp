// The result of loading a text, for texts with and without problems.
#pragma once

#include "config/loader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace greenroom::config {

/// Empty when the text was loaded.
template <class T>
[[nodiscard]] std::vector<problem> problems_in(
    const base::expected<T, std::vector<problem>>& result) {
  if (result) return {};
  EXPECT_FALSE(result.error().empty()) << "refused without a reason";
  return result.error();
}

/// The configuration; a failure of the test for each problem.
[[nodiscard]] inline node node_in(const load_result& result) {
  for (const auto& each : problems_in(result)) ADD_FAILURE() << to_string(each);
  return result ? result->value : node{};
}

}  // namespace greenroom::config
