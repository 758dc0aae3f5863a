// Which specialist is called after which, and how soon.
#pragma once

#include "runtime/prediction/decayed_shares.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// Each specialist's successors (at most 12, with decay) and the times between the calls, in powers
/// of two from 1/16 s. Times are shrunk towards those of the whole cast.
class transition_matrix {
public:
  explicit transition_matrix(std::size_t cast, double decay = 0.02);

  void grow(std::size_t cast) {
    if (cast > rows_.size()) rows_.resize(cast);
  }
  /// `from` is called; a further call may or may not follow.
  void begin(specialist_index from);
  /// `to` was called after `from`.
  void observe(specialist_index from, specialist_index to, double gap_s);

  double share(specialist_index from, specialist_index to) const;
  std::span<const specialist_index> successors(specialist_index from) const;
  /// Given that no call followed `from` for `age_s`.
  struct outlook {
    double goes_on = 1;  ///< Probability of a next call at any time.
    double within = 0;   ///< Probability of a next call within the horizon.
  };
  /// `ends` is the share of all calls without a next one; the share of `from` is shrunk towards it.
  /// The longer the silence, the more likely this call is one of these. 0: a next call always
  /// comes.
  outlook next_call(specialist_index from, double age_s, double horizon_s, double ends) const;

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  static constexpr std::size_t gap_classes = 24;
  struct row {
    decayed_shares next;
    std::array<float, gap_classes> gaps{};
    float gaps_sum = 0;
    float calls = 0;     ///< Faded.
    float followed = 0;  ///< Calls with a next one, faded.
  };
  static void add_gap(row& to, std::size_t which, float decay);

  std::vector<row> rows_;
  row all_;
  double decay_;
};

}  // namespace greenroom::runtime
