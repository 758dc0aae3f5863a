// Which priority is served next, when each class has its own line?
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace greenroom::runtime {

/// Higher classes go first, but nobody starves: after `patience` picks in a row that passed a
/// waiting lower class over, that class gets one. Class 0 is the lowest.
template <std::size_t Classes>
class fair_priority {
public:
  static constexpr std::uint8_t patience = 8;

  /// `waiting[c]`: does class c have anyone? Returns the class to serve, or nothing.
  [[nodiscard]] std::optional<std::size_t> pick(const std::array<bool, Classes>& waiting) {
    std::optional<std::size_t> chosen;
    for (std::size_t c = Classes; c-- > 0;)
      if (waiting[c]) {
        chosen = c;
        break;
      }
    if (!chosen) return chosen;
    // The class that was passed over most often, and the lowest of equals, has its turn.
    for (std::size_t c = 0; c < *chosen; ++c)
      if (waiting[c] && passed_[c] >= patience) {
        chosen = c;
        break;
      }
    for (std::size_t c = 0; c < *chosen; ++c)
      if (waiting[c] && passed_[c] < patience) ++passed_[c];
    passed_[*chosen] = 0;
    return chosen;
  }

private:
  std::array<std::uint8_t, Classes> passed_{};
};

}  // namespace greenroom::runtime
