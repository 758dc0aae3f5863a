// Buckets of a log-linear histogram.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace greenroom::base {

/// The scheme of HdrHistogram (Gil Tene): every octave [2^e, 2^(e+1)) is cut into 2^Bits buckets of
/// equal width, and values below 2^Bits have a bucket each. A bucket's middle is wrong by at most
/// 2^-(Bits + 1) of the value.
template <unsigned Bits>
struct log_linear {
  static constexpr std::size_t steps = std::size_t{1} << Bits;

  [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) {
    if (value < steps) return static_cast<std::size_t>(value);
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - (Bits + 1);
    return power * steps + static_cast<std::size_t>(value >> power);
  }
  /// The smallest value that falls into bucket `index`.
  [[nodiscard]] static constexpr std::uint64_t edge_of(std::size_t index) {
    return index < steps ? index : (steps + index % steps) << power_of(index);
  }
  [[nodiscard]] static constexpr std::uint64_t middle_of(std::size_t index) {
    return index < steps ? index : edge_of(index) + (std::uint64_t{1} << power_of(index)) / 2;
  }

private:
  /// The bucket is 2 to this power wide. @pre index >= steps
  static constexpr std::size_t power_of(std::size_t index) { return index / steps - 1; }
};

}  // namespace greenroom::base
