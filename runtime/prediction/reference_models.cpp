#include "runtime/prediction/reference_models.hpp"

#include "protocols/base/hash.hpp"

#include <algorithm>

namespace greenroom::runtime {

std::uint64_t back_off_model::key(std::span<const specialist_index> prefix,
                                  std::size_t length) const {
  std::uint64_t hash = base::mixed(11, length);
  for (std::size_t i = 0; i < length; ++i) {
    hash = base::mixed(hash, i < prefix.size() ? prefix[prefix.size() - 1 - i] : no_step);
  }
  return hash;
}

void back_off_model::learn(std::span<const specialist_index> prefix, specialist_index next) {
  for (std::size_t length = 0; length <= std::min(order_, prefix.size() + 1); ++length) {
    std::vector<successor>& known = seen_[key(prefix, length)];
    const auto at = std::find_if(known.begin(), known.end(),
                                 [next](const successor& s) { return s.who == next; });
    if (at == known.end()) {
      known.push_back({next, 1});
    } else {
      ++at->times;
    }
  }
}

std::vector<specialist_index> back_off_model::rank(std::span<const specialist_index> prefix,
                                                   std::size_t wanted) const {
  std::vector<specialist_index> ranked;
  for (std::size_t length = std::min(order_, prefix.size() + 1) + 1; length-- > 0;) {
    const auto at = seen_.find(key(prefix, length));
    if (at == seen_.end()) continue;
    std::vector<successor> known = at->second;
    std::stable_sort(known.begin(), known.end(),
                     [](const successor& a, const successor& b) { return a.times > b.times; });
    for (const successor& s : known) {
      if (ranked.size() >= wanted) return ranked;
      if (std::find(ranked.begin(), ranked.end(), s.who) == ranked.end()) ranked.push_back(s.who);
    }
  }
  return ranked;
}

}  // namespace greenroom::runtime
