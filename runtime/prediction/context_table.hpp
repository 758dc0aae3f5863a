// Counts, in bounded memory, which steps followed each context.
#pragma once

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

/// The end of a case, as a step.
constexpr specialist_index end_of_case = 0xFFFFFFFEU;
/// No step at all.
constexpr specialist_index no_step = 0xFFFFFFFFU;

/// The successors of one context: the most frequent ones with their (aged) counts.
struct context_counts {
  static constexpr std::size_t steps_max = 12;

  std::uint64_t key = 0;  ///< Never 0 for a context in use.
  float total = 0;        ///< Of all successors, including evicted ones.
  std::uint32_t touched = 0;
  std::array<specialist_index, steps_max> steps;
  std::array<float, steps_max> counts;
  std::uint8_t size = 0;

  float count_of(specialist_index step) const {
    for (std::size_t i = 0; i < size; ++i) {
      if (steps[i] == step) return counts[i];
    }
    return 0;
  }
  /// Adds one. At a total of `limit` every count is halved, so that old observations fade. When all
  /// entries are taken, a new step replaces the rarest one (Metwally et al., "Space-saving", 2005,
  /// without its overestimate).
  void add(specialist_index step, float limit);
};

/// A hash table of contexts that grows up to `contexts_max` (rounded up to a power of two) and then
/// replaces, in a neighbourhood of 8, the context with the smallest total after ageing. All
/// operations are O(1).
class context_table {
public:
  explicit context_table(std::size_t contexts_max);

  const context_counts* find(std::uint64_t key) const;
  context_counts& find_or_add(std::uint64_t key);
  std::size_t size() const { return used_; }
  std::size_t contexts_max() const { return capacity_max_; }
  std::size_t bytes() const { return slots_.size() * sizeof(context_counts); }

  void save(state_writer& to) const;
  /// A problem when the saved data cannot be a table of this size; the table is then empty.
  base::expected<void> restore(state_reader& from);

private:
  static constexpr std::size_t neighbourhood = 8;
  context_counts& place(std::uint64_t key);
  void grow();

  std::size_t capacity_max_;
  std::vector<context_counts> slots_;
  std::size_t used_ = 0;
  std::uint32_t clock_ = 0;  ///< Counts additions, for ageing.
};

}  // namespace greenroom::runtime
