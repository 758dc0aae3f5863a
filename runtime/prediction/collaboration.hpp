// Which specialists work together.
#pragma once

#include "runtime/prediction/decayed_shares.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// Decayed counts of specialists called near each other: in the same case, or, without cases,
/// within the last few calls. At most 12 partners each.
class collaboration {
public:
  explicit collaboration(std::size_t cast, double decay = 0.02) : rows_(cast), decay_(decay) {}

  void grow(std::size_t cast) {
    if (cast > rows_.size()) rows_.resize(cast);
  }
  /// `who` was called soon after `others` (at most the latest 4 count; `who` itself is skipped).
  void observe(specialist_index who, std::span<const specialist_index> others);

  /// Share of `other` among the calls around `one`, in [0, 1].
  double share(specialist_index one, specialist_index other) const;
  std::span<const specialist_index> partners(specialist_index one) const;

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  std::vector<decayed_shares> rows_;
  double decay_;
};

}  // namespace greenroom::runtime
