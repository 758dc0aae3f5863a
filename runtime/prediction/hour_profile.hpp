// The load of each specialist by hour of the day and day of the week.
#pragma once

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/prediction/decayed_shares.hpp"
#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// Calls and observed time by hour of the day and day of the week (UTC); both fade by `decay` a
/// day. Rates are shrunk: an hour with little observed time gets the specialist's mean rate, and a
/// day with little observed time has no effect. Constant work per call.
class hour_profile {
public:
  explicit hour_profile(std::size_t cast, double decay = 0.02);

  void grow(std::size_t cast) {
    if (cast > rows_.size()) rows_.resize(cast);
  }
  /// A time before the latest one counts as the latest.
  void observe(specialist_index who, double now_s);
  /// Expected calls per second at `now_s`.
  double rate(specialist_index who, double now_s) const;
  /// The specialists called most at this hour of the day, unordered, at most 12.
  std::span<const specialist_index> usual(double now_s) const;
  /// Share of `who` in the calls at this hour.
  double usual_share(specialist_index who, double now_s) const;

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  struct row {
    std::array<float, 24> hours{};
    std::array<float, 7> days{};
    float sum = 0;
    float touched_day = 0;  ///< Days from `first_s_` to the row's last decay.
  };
  double worn(double days) const;
  void pass_time(double now_s);

  std::vector<row> rows_;
  double decay_;
  std::array<double, 24> hour_seconds_{};
  std::array<double, 7> day_seconds_{};
  std::array<decayed_shares, 24> usual_;
  double first_s_ = -1;
  double last_s_ = -1;
};

}  // namespace greenroom::runtime
