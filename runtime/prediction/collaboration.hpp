// Who works together with whom.
#pragma once

#include "runtime/prediction/decayed_shares.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// Decayed counts of who was called near whom: in the same case, or, without cases, within the last
/// few calls. Symmetric by construction of what it is told, 12 partners each at most.
class collaboration {
public:
  explicit collaboration(std::size_t cast, double decay = 0.02) : rows_(cast), decay_(decay) {}

  void grow(std::size_t cast) {
    if (cast > rows_.size()) rows_.resize(cast);
  }
  /// `who` was called soon after `others` (at most the latest 4 count, itself left out).
  void observe(specialist_index who, std::span<const specialist_index> others);

  /// How much of what happens around `one` is `other`, in [0, 1].
  double share(specialist_index one, specialist_index other) const;
  std::span<const specialist_index> partners(specialist_index one) const;

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  std::vector<decayed_shares> rows_;
  double decay_;
};

}  // namespace greenroom::runtime
