// Shares of recent observations; rare specialists are dropped.
#pragma once

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace greenroom::runtime {

/// Weights of at most 12 specialists. Each observation multiplies all weights by 1 − `decay` and
/// adds 1 to one weight, so the total tends to 1 ÷ decay. A new specialist replaces the one of
/// least weight once that weight is below 1.
class decayed_shares {
public:
  static constexpr std::size_t kept_max = 12;

  void observe(specialist_index who, double decay);
  /// Share of `who` among all observations, in [0, 1].
  double share(specialist_index who) const;
  double total() const { return static_cast<double>(total_); }
  double weight(std::size_t place) const { return static_cast<double>(weights_[place]); }
  std::span<const specialist_index> kept() const { return {who_.data(), size_}; }

  void save(state_writer& to) const;
  void restore(state_reader& from);  ///< On an error the reader has failed.

private:
  std::array<specialist_index, kept_max> who_;
  std::array<float, kept_max> weights_;
  float total_ = 0;
  std::uint8_t size_ = 0;
};

}  // namespace greenroom::runtime
