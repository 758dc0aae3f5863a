#include "runtime/pooling/frequency_trust.hpp"

#include "runtime/pooling/eviction_order.hpp"

#include <algorithm>
#include <optional>

namespace greenroom::runtime {
namespace {

// A ghost examines all residents up to this number, and a sample of this size above it.
constexpr std::size_t looked_at_all = 64;
constexpr std::size_t looked_at_most = 32;
// The memory in visits on which the ghosts differ, and the visits of each that are assumed at
// first.
constexpr double remembered = 500;
constexpr double prior = 5;
// Frequency is not trusted below the first share of LRU's misses among the visits on which the
// ghosts differ, and fully trusted above the second: where LFU only equals LRU, the call rate
// already covers recency.
constexpr double share_none = 0.3;
constexpr double share_full = 0.5;

}  // namespace

void frequency_trust::grow(std::size_t specialists) {
  if (!awake_) return;
  for (ghost& one : ghosts_) one.at.resize(specialists, absent);
  known_.resize(specialists);
}

void frequency_trust::wake(std::span<const slot_state> slot_states,
                           std::span<const specialist_facts> facts,
                           const std::function<usage(specialist_index)>& known) {
  if (awake_) return;
  awake_ = true;
  grow(slot_states.size());
  for (specialist_index who = 0; who < slot_states.size(); ++who) {
    known_[who] = known(who);
    if (!counts(slot_states[who], facts[who])) continue;
    for (ghost& one : ghosts_) add(one, who, facts);
  }
}

void frequency_trust::add(ghost& one, specialist_index who,
                          std::span<const specialist_facts> facts) {
  one.at[who] = static_cast<std::uint32_t>(one.residents.size());
  one.residents.push_back(who);
  ++one.taken.slots;
  one.taken.memory_mb += facts[who].memory_mb;
}

void frequency_trust::remove(ghost& one, specialist_index who,
                             std::span<const specialist_facts> facts) {
  const std::uint32_t at = one.at[who];
  const specialist_index last = one.residents.back();
  one.residents[at] = last;
  one.at[last] = at;
  one.residents.pop_back();
  one.at[who] = absent;
  --one.taken.slots;
  one.taken.memory_mb -= facts[who].memory_mb;
}

// xorshift64 (Marsaglia, Journal of Statistical Software 2003).
std::uint64_t frequency_trust::draw() {
  drawn_ ^= drawn_ << 13;
  drawn_ ^= drawn_ >> 7;
  drawn_ ^= drawn_ << 17;
  return drawn_;
}

bool frequency_trust::evict(rule by, std::span<const specialist_facts> facts) {
  ghost& one = ghosts_[by];
  const std::size_t residents = one.residents.size();
  const bool all = residents <= looked_at_all;
  std::optional<candidate> least;
  for (std::size_t i = 0; i < (all ? residents : looked_at_most); ++i) {
    const specialist_index who = one.residents[all ? i : draw() % residents];
    const usage& known = known_[who];
    if (known.busy) continue;
    // LRU gives all the same worth, so the longest idle is evicted.
    const double wanted = by == least_frequent ? static_cast<double>(known.visits) : 0.0;
    const candidate next{who, wanted, known.idle_since_s};
    if (!least || goes_before(next, *least)) least = next;
  }
  if (least) remove(one, least->who, facts);
  return least.has_value();
}

void frequency_trust::visit(specialist_index who, const pool_limits& limits,
                            std::span<const specialist_facts> facts) {
  known_[who].busy = true;
  ++known_[who].visits;
  const occupancy needed{1, facts[who].memory_mb};
  std::array<bool, rules> missed{};
  for (const rule by : {least_recent, least_frequent}) {
    ghost& one = ghosts_[by];
    missed[by] = one.at[who] == absent;
    if (!missed[by]) continue;
    while (!within(limits, one.taken, needed) && evict(by, facts)) {
    }
    add(one, who, facts);
  }
  if (missed[least_recent] == missed[least_frequent]) return;
  for (const rule by : {least_recent, least_frequent}) {
    ghosts_[by].missed = ghosts_[by].missed * (1.0 - 1.0 / remembered) + (missed[by] ? 1.0 : 0.0);
  }
}

void frequency_trust::end(specialist_index who, double now_s) {
  known_[who].busy = false;
  known_[who].idle_since_s = now_s;
}

double frequency_trust::value() const {
  const double recent = ghosts_[least_recent].missed;
  const double frequent = ghosts_[least_frequent].missed;
  const double share = (recent + prior) / (recent + frequent + 2 * prior);
  return std::clamp((share - share_none) / (share_full - share_none), 0.0, 1.0);
}

}  // namespace greenroom::runtime
