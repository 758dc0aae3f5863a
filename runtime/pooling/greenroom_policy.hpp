// Greenroom's own policy: who is worth a place, by one price.
//
// Every specialist has an arrival intensity, mixed online from many sources. It is worth being warm
// while intensity × load time ÷ memory × priority is at least one price, which is the memory knob
// (index policies with a threshold: arXiv 2106.06457; Stochastic Systems, stsy.2024.0093). It is
// prewarmed at a little more than that price, early enough for its measured start.
//
// - `target_memory` > 0: the price follows the memory in use, whose mean approaches the target.
// - otherwise the price is the warm threshold: the probability of being needed within 20 cooldowns.
// - `max_warm` and `memory_budget_mb` are hard in either case: what is worth least goes first.
//   While they are what is scarce, and no mean memory is asked for, a place is its own price:
//   nobody leaves before another one wants it. Worth most is then also who is popular without being
//   foreseeable, as far as popularity tells who comes back (`frequency_trust`).
// - A cooldown shorter than 45 s makes every time constant shorter with it, see `pace`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/pooling/department_balance.hpp"
#include "runtime/pooling/due_queue.hpp"
#include "runtime/pooling/frequency_trust.hpp"
#include "runtime/pooling/intensity_mixture.hpp"
#include "runtime/pooling/intensity_signals.hpp"
#include "runtime/pooling/made_late.hpp"
#include "runtime/pooling/pace.hpp"
#include "runtime/pooling/prediction_referee.hpp"
#include "runtime/pooling/price_controller.hpp"
#include "runtime/pooling/seating.hpp"
#include "runtime/pooling/session_signal.hpp"
#include "runtime/pooling/warm_adaptation.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

struct greenroom_options {
  /// Above 0: this price for ever, in visits per second of an average specialist. 0: found.
  double price = 0;
  /// Nothing has a price but a slot: keep all that the hard caps allow.
  bool fill_slots = false;
  /// Prewarming needs this many times the price that keeping needs, or two would alternate.
  double prewarm_factor = 1.1;
  /// A specialist that is visited r times less than the mean counts r^rarity as much for each
  /// visit, so that rare ones get their fair chance.
  double rarity = 0.1;
};

/// Why somebody is ranked where it is.
struct ranked_reason {
  const char* source = "";
  double trust = 0;   ///< The weight of the source, learnt for this specialist.
  double factor = 1;  ///< By how much it raises (or lowers) the intensity.
};
struct ranked {
  specialist_index who = 0;
  double value = 0;          ///< Intensity × load cost ÷ memory × priority.
  double rate = 0;           ///< Expected visits per second.
  double within_minute = 0;  ///< Probability of a visit within 60 s.
  bool worth_warm = false;
  std::vector<ranked_reason> reasons;  ///< The strongest first.
};

/// What happened that an operator wants to hear of.
enum class policy_news : std::uint8_t { prediction_off, prediction_retried, adjusted };

struct policy_report {
  double price = 0;
  double threshold = 0.3;
  std::size_t slots = 0;   ///< In force: `max_warm` less what was given up.
  bool predicting = true;  ///< False: switched off, plain keep-alive of `keep_s`.
  double keep_s = 0;
  double mean_memory = 0;  ///< Share of always-warm, mean of about two days.
  std::uint64_t prewarm_hits = 0;
  std::uint64_t prewarm_wastes = 0;
  double prewarm_wasted_s = 0;
  double announced_trust = 1;  ///< How often announcements came true, against what they promised.
};

class greenroom_policy final : public warm_policy {
public:
  explicit greenroom_policy(const greenroom_options& options = {});

  void learn(specialist_index who, const specialist_facts& facts) override;
  void set_limits(const pool_limits& limits) override;
  void observe_arrival(specialist_index who, std::uint64_t case_key, double now_s) override;
  void observe_idle(specialist_index who, double now_s) override;
  room make_room(specialist_index who, std::span<const seat> seats, double now_s) override;
  /// Looks only at those whose moment has come (and counts the seats when a hard cap can bind).
  plan review(std::span<const seat> seats, double now_s) override;

  /// Another predictor announces a task for `who` with this probability within so many seconds.
  /// How much announcements are believed is learnt from how they come out. `why` is `predicted` or
  /// `workflow`. A later announcement replaces a weaker or an expired one.
  void expect(specialist_index who, double probability, double within_s, reason why, double now_s);

  /// The `count` most wanted, the best first, each with its reasons.
  std::vector<ranked> rank(std::size_t count, double now_s) const;
  policy_report report() const;
  /// News since the last call.
  std::vector<policy_news> take_news();

  /// All that was learnt, as text: versioned, with a checksum, by the specialists' names. `names`
  /// has one for each specialist.
  std::string save(std::span<const std::string> names) const;
  /// Takes what was saved; names that are no longer in the cast are skipped. On an error nothing
  /// is changed, and it says what is wrong.
  std::optional<std::string> restore(std::string_view text, std::span<const std::string> names);

private:
  /// How much of its visits' starts was over when they came, and how much was not; old ones fade.
  struct start_counts {
    float caught = 0;
    float lost = 0;
    void count(float part, float fade) {
      caught += part;
      lost += 1.0F - part;
      caught *= fade;
      lost *= fade;
    }
  };
  struct member {
    specialist_facts facts;
    made_late<arrival_history> history;
    made_late<intensity_mixture::own_trust> trust;
    // What was said last, and has not been held against what came.
    made_late<signal_values> said;
    double first_idle_s = 0;  ///< Before there is a history.
    double idle_since_s() const { return history.made() ? history->idle_since_s : first_idle_s; }
    double said_s = 0;
    double said_raw = 0;
    bool saying = false;
    double rate = 0;        ///< The latest estimate, 0 when it was never visited.
    double warm_below = 0;  ///< The price below which it is warm until it is looked at next.
    // An announcement.
    double announced_rate = 0;
    double announced_until_s = 0;
    double announced_probability = 0;
    reason announced_why = reason::predicted;
    // Books.
    double warm_since_s = -1;  ///< Idle and warm since then; below 0: not.
    double prewarmed_s = -1;   ///< Prewarmed then, and unused so far; below 0: not.
    std::uint32_t wastes = 0;  ///< Prewarms in vain since the last visit.
    start_counts starts;       ///< Its own.
    bool missed = false;       ///< The visit under way found it cold.
    bool shadow_gone = false;  ///< Plain keep-alive would have given it up by now.
  };

  double settle_s(const member& one) const;
  double worth(const member& one, double rate) const;
  /// Of that value, what a start ahead of demand is made for.
  double worth_starting(const member& one, double value) const;
  double announced(const member& one, double now_s) const;
  double keep_price() const { return price_now_; }
  void refresh_price();
  double worth_keeping(specialist_index who, double now_s, bool ahead);
  double surprise(const member& one) const;
  void count_start(member& one, double caught);
  double focus_rate() const;
  bool filling() const;
  void find_slots_scarce(double now_s);
  double own_time(double clock_s);
  seat paced(const seat& place) const;
  bool learnt() const { return fleet_visits_ >= 30; }
  signal_values read(specialist_index who, double at_s) const;
  double estimate(specialist_index who, double now_s);
  void settle_books(member& one, double now_s, bool came);
  void close_announcement(member& one, bool came);
  double step_s(const member& one, const seat& place, double value, double now_s) const;

  bool looks_ahead(const member& one, double now_s) const;
  void reassess(specialist_index who, const seat& place, double now_s, plan& answer);
  void consider_cold(specialist_index who, double value, double now_s, plan& answer);
  void consider_warm(specialist_index who, const seat& place, double value, double now_s,
                     plan& answer);
  void cool(specialist_index who, reason why, double value, double now_s, plan& answer);
  void enforce_caps(std::span<const seat> seats, double now_s, plan& answer);
  void admit_prewarms(std::span<const seat> seats, double now_s, plan& answer);
  template <class Spared>
  eviction_order evictable_now(std::span<const seat> seats, double now_s, Spared spared);
  pool_limits limits_in_force() const;
  void tick(std::span<const seat> seats, double now_s);

  /// The plain price: needed within this many cooldowns with the probability of the threshold.
  static constexpr double price_horizon_cooldowns = 20;

  greenroom_options options_;
  pace pace_;            ///< All times below are the policy's own.
  double latest_s_ = 0;  ///< The latest time that was heard, by the clock.
  pool_limits limits_;
  std::vector<member> members_;
  std::vector<specialist_facts> facts_;  ///< Side by side with the members, for sums over all.
  std::vector<specialist_index> pins_;
  fleet_rhythm fleet_;
  intensity_mixture mixture_;
  session_signal sessions_;
  due_queue due_;
  price_controller price_;
  warm_adaptation adaptation_;
  department_balance balance_;
  prediction_referee referee_;
  frequency_trust frequency_;
  std::vector<policy_news> news_;

  double load_total_s_ = 0;
  double memory_total_mb_ = 0;
  double fleet_visits_ = 0;
  double seen_ = 0;  ///< Specialists that were ever visited.
  double announced_came_ = 0;
  double announced_promised_ = 0;
  double price_now_ = 1e-4;
  bool scarce_ = false;  ///< Slots are, until then unless it happens again.
  double scarce_until_s_ = -never_s;
  double marginal_rate_ = 1e-4;  ///< What was evicted last was worth about this.
  start_counts starts_;          ///< Of all of them.
  // For the adaptation: visits and misses since the last tick, faded.
  double visits_recent_ = 0;
  double misses_recent_ = 0;
  double ticked_s_ = -1;
};

std::unique_ptr<warm_policy> make_greenroom_policy(const greenroom_options& options = {});

}  // namespace greenroom::runtime
