#include "runtime/prediction/decayed_shares.hpp"

namespace greenroom::runtime {

void decayed_shares::observe(specialist_index who, double decay) {
  const auto keep = static_cast<float>(1.0 - decay);
  total_ = total_ * keep + 1.0F;
  std::size_t at = kept_max;
  std::size_t lightest = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    weights_[i] *= keep;
    if (who_[i] == who) at = i;
    if (weights_[i] < weights_[lightest]) lightest = i;
  }
  if (at < kept_max) {
    weights_[at] += 1.0F;
  } else if (size_ < kept_max) {
    who_[size_] = who;
    weights_[size_] = 1.0F;
    ++size_;
  } else if (weights_[lightest] < 1.0F) {
    who_[lightest] = who;
    weights_[lightest] = 1.0F;
  } else {
    weights_[lightest] -= 1.0F;
  }
}

double decayed_shares::share(specialist_index who) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (who_[i] == who) return static_cast<double>(weights_[i] / total_);
  }
  return 0;
}

void decayed_shares::save(state_writer& to) const {
  to.put(total_);
  to.put32(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    to.put32(who_[i]);
    to.put(weights_[i]);
  }
}

void decayed_shares::restore(state_reader& from) {
  constexpr float most = 1e9F;
  total_ = from.small_number_within(0, most);
  const std::uint32_t size = from.integer32();
  if (size > kept_max || (size > 0 && total_ <= 0)) {
    from.fail();
    *this = {};
    return;
  }
  size_ = static_cast<std::uint8_t>(size);
  for (std::size_t i = 0; i < size_; ++i) {
    who_[i] = from.member();
    weights_[i] = from.small_number_within(0, most);
  }
}

}  // namespace greenroom::runtime
