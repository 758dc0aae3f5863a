// Chooses the priority class to serve next, with one queue per class.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace greenroom::runtime {

/// Higher classes go first, without starvation: a waiting lower class that was passed over
/// `patience` times in a row is served next. Class 0 is the lowest.
template <std::size_t Classes>
class fair_priority {
public:
  static constexpr std::uint8_t patience = 8;

  /// `waiting[c]`: class c has tasks. Returns the class to serve, or nothing.
  [[nodiscard]] std::optional<std::size_t> pick(const std::array<bool, Classes>& waiting) {
    std::optional<std::size_t> chosen;
    for (std::size_t c = Classes; c-- > 0;)
      if (waiting[c]) {
        chosen = c;
        break;
      }
    if (!chosen) return chosen;
    // The lowest class that was passed over `patience` times is next.
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
