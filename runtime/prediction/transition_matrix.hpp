// Who is called after whom, and how soon.
#pragma once

#include "runtime/prediction/decayed_shares.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// Each specialist's successors (12 at most, with decay) and the times until they came, in powers
/// of two from 1/16 s. Times are shrunk towards those of the whole cast.
class transition_matrix {
public:
  explicit transition_matrix(std::size_t cast, double decay = 0.02);

  void grow(std::size_t cast) {
    if (cast > rows_.size()) rows_.resize(cast);
  }
  /// `from` is called, and nobody knows yet whether another call follows.
  void begin(specialist_index from);
  /// After the call of `from` came one of `to`.
  void observe(specialist_index from, specialist_index to, double gap_s);

  double share(specialist_index from, specialist_index to) const;
  std::span<const specialist_index> successors(specialist_index from) const;
  /// When none came for `age_s` since `from`.
  struct outlook {
    double goes_on = 1;  ///< That there will be a next call at all.
    double within = 0;   ///< That it comes within the horizon.
  };
  /// `ends` is the share of all calls that none follows, to which that of `from` is shrunk; the
  /// longer the silence, the more likely it is that this was one of them. 0: none ever ends.
  outlook next_call(specialist_index from, double age_s, double horizon_s, double ends) const;

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  static constexpr std::size_t gap_classes = 24;
  struct row {
    decayed_shares next;
    std::array<float, gap_classes> gaps{};
    float gaps_sum = 0;
    float calls = 0;     ///< Faded, and …
    float followed = 0;  ///< … those of them that another one followed.
  };
  static void add_gap(row& to, std::size_t which, float decay);

  std::vector<row> rows_;
  row all_;
  double decay_;
};

}  // namespace greenroom::runtime
