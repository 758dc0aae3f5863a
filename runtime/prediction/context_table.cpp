#include "runtime/prediction/context_table.hpp"

#include <algorithm>
#include <bit>

namespace greenroom::runtime {

void context_counts::add(specialist_index step, float limit) {
  if (total >= limit) {
    total *= 0.5F;
    for (std::size_t i = 0; i < size; ++i) counts[i] *= 0.5F;
  }
  total += 1.0F;
  std::size_t rarest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (steps[i] == step) {
      counts[i] += 1.0F;
      return;
    }
    if (counts[i] < counts[rarest]) rarest = i;
  }
  if (size < steps_max) {
    steps[size] = step;
    counts[size] = 1.0F;
    ++size;
    return;
  }
  // The rarest count is used up first; otherwise two rare steps would replace each other for ever.
  counts[rarest] -= 1.0F;
  if (counts[rarest] < 1.0F) {
    steps[rarest] = step;
    counts[rarest] = 1.0F;
  }
}

context_table::context_table(std::size_t contexts_max)
    : capacity_max_(std::bit_ceil(std::max<std::size_t>(contexts_max, 64))), slots_(64) {}

const context_counts* context_table::find(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < neighbourhood; ++i) {
    const context_counts& slot = slots_[(key + i) & mask];
    if (slot.key == key) return &slot;
    if (slot.key == 0) return nullptr;
  }
  return nullptr;
}

context_counts& context_table::find_or_add(std::uint64_t key) {
  ++clock_;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < neighbourhood; ++i) {
    context_counts& slot = slots_[(key + i) & mask];
    if (slot.key == key) {
      slot.touched = clock_;
      return slot;
    }
    if (slot.key == 0) break;
  }
  while (used_ * 2 >= slots_.size() && slots_.size() < capacity_max_) grow();
  return place(key);
}

context_counts& context_table::place(std::uint64_t key) {
  const std::size_t mask = slots_.size() - 1;
  context_counts* worst = nullptr;
  float worst_worth = 0;
  for (std::size_t i = 0; i < neighbourhood; ++i) {
    context_counts& slot = slots_[(key + i) & mask];
    if (slot.key == 0) {
      ++used_;
      worst = &slot;
      break;
    }
    const float age = static_cast<float>(clock_ - slot.touched) / static_cast<float>(slots_.size());
    const float worth = slot.total / (1.0F + age);
    if (worst == nullptr || worth < worst_worth) {
      worst = &slot;
      worst_worth = worth;
    }
  }
  *worst = context_counts{};
  worst->key = key;
  worst->touched = clock_;
  return *worst;
}

void context_table::grow() {
  std::vector<context_counts> old(slots_.size() * 2);
  old.swap(slots_);
  used_ = 0;
  for (const context_counts& slot : old) {
    if (slot.key == 0) continue;
    context_counts& where = place(slot.key);
    where = slot;
  }
}

void context_table::save(state_writer& to) const {
  to.put(static_cast<std::uint64_t>(slots_.size()));
  to.put32(clock_);
  to.put(static_cast<std::uint64_t>(used_));
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    const context_counts& slot = slots_[at];
    if (slot.key == 0) continue;
    to.put(static_cast<std::uint64_t>(at));
    to.put(slot.key);
    to.put(slot.total);
    to.put32(slot.touched);
    to.put32(slot.size);
    for (std::size_t i = 0; i < slot.size; ++i) {
      to.put32(slot.steps[i]);
      to.put(slot.counts[i]);
    }
  }
}

base::expected<void> context_table::restore(state_reader& from) {
  constexpr float most = 1e9F;
  const std::uint64_t size = from.integer();
  clock_ = from.integer32();
  const std::size_t used = from.count(capacity_max_, 28);
  used_ = 0;
  slots_.assign(64, {});
  if (from.failed() || !std::has_single_bit(size) || size < 64 || size > capacity_max_
      || used > size) {
    from.fail();
    return base::problem{"damaged", "a table of another size"};
  }
  slots_.assign(size, {});
  for (std::size_t n = 0; n < used && !from.failed(); ++n) {
    const std::uint64_t at = from.integer();
    if (at >= size || slots_[at].key != 0) {
      from.fail();
      break;
    }
    context_counts& slot = slots_[at];
    slot.key = from.integer();
    slot.total = from.small_number_within(0, most);
    slot.touched = from.integer32();
    const std::uint32_t steps = from.integer32();
    if (slot.key == 0 || steps > context_counts::steps_max) {
      from.fail();
      break;
    }
    for (std::size_t i = 0; i < steps; ++i) {
      slot.steps[i] = from.member_or(end_of_case);
      slot.counts[i] = from.small_number_within(0, most);
    }
    slot.size = static_cast<std::uint8_t>(steps);
    ++used_;
  }
  if (from.failed()) {
    slots_.assign(64, {});
    used_ = 0;
    return base::problem{"damaged", "a table whose rows do not fit together"};
  }
  return {};
}

}  // namespace greenroom::runtime
