// Parameters of the query that several routes read.
#pragma once

#include "actors/doors/answers.hpp"
#include "actors/doors/route_call.hpp"
#include "protocols/base/expected.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace greenroom::doors {

/// A whole number up to `most`; `otherwise` when the parameter is missing.
[[nodiscard]] base::expected<std::uint64_t, rejection> count_in(const route_call& call,
                                                                std::string_view name,
                                                                std::uint64_t otherwise,
                                                                std::uint64_t most);

/// The period `last=15m`; nothing when the parameter is missing.
[[nodiscard]] base::expected<std::optional<std::chrono::milliseconds>, rejection> period_in(
    const route_call& call);

}  // namespace greenroom::doors
