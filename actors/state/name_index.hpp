// Which number belongs to a name: however many names there are, finding one takes one cache line
// here, and what tells whether it is the right one is kept with the thing that has the name.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

namespace greenroom::actors {

/// Open addressing with linear probing (Knuth, The Art of Computer Programming 3, 6.4, Algorithm
/// L), at most half full, with half of each hash beside its number. Does not own the names.
class name_index {
public:
  static constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();

  explicit name_index(std::size_t names_max = 0)
      : slots_(std::bit_ceil(std::max<std::size_t>(2 * names_max, 2))) {}

  /// @pre No more than `names_max` are added. Of equal names the one added first is found.
  void add(std::string_view name, std::uint32_t number) {
    const auto hash = hash_of(name);
    auto at = first(hash);
    while (slots_[at].number != nobody) at = next(at);
    slots_[at] = {tag(hash), number};
  }

  /// The number for which `is(number)` is true, among those that were added under a name with the
  /// hash of `name`; `nobody` when there is none.
  template <class Is>
  [[nodiscard]] std::uint32_t find(std::string_view name, Is is) const {
    const auto hash = hash_of(name);
    for (auto at = first(hash); slots_[at].number != nobody; at = next(at))
      if (slots_[at].tag == tag(hash) && is(slots_[at].number)) return slots_[at].number;
    return nobody;
  }

private:
  struct slot {
    std::uint32_t tag = 0;
    std::uint32_t number = nobody;
  };
  static std::uint64_t hash_of(std::string_view name) {
    return std::hash<std::string_view>{}(name);
  }
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }
  [[nodiscard]] std::size_t first(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  std::vector<slot> slots_;
};

}  // namespace greenroom::actors
