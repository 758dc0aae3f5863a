// What figures are multiplied with or divided by.
#pragma once

namespace greenroom::actors {

inline constexpr double ms_per_ns = 1e-6;
inline constexpr double bytes_per_mb = 1e6;

}  // namespace greenroom::actors
