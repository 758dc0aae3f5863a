// Greenroom's own policy: one price decides which specialists are worth a slot.
//
// Every specialist has a call rate, mixed online from many sources. A specialist is worth
// being warm while call rate × load time ÷ memory × priority is at least the price (index policies
// with a threshold: arXiv 2106.06457; Stochastic Systems, stsy.2024.0093). A specialist is
// prewarmed at a slightly higher price, early enough for the measured start time.
//
// - `target_memory` > 0: the price is set so that the mean memory in use approaches the target.
// - Otherwise the price is the warm threshold: the probability of a visit within 20 cooldowns.
// - `max_warm` and `memory_budget_mb` are hard caps in either case: the specialist of least value
//   is evicted first. While slots are scarce and no mean memory is configured, a specialist is
//   evicted only when its slot is needed. The value then includes the specialist's long-run
//   frequency, as far as frequency predicts returns (`frequency_trust`).
// - A cooldown shorter than 45 s shortens every time constant, see `pace`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"
#include "runtime/pooling/call_rate_mixture.hpp"
#include "runtime/pooling/call_rate_signals.hpp"
#include "runtime/pooling/department_balance.hpp"
#include "runtime/pooling/due_queue.hpp"
#include "runtime/pooling/eviction_order.hpp"
#include "runtime/pooling/frequency_trust.hpp"
#include "runtime/pooling/made_late.hpp"
#include "runtime/pooling/pace.hpp"
#include "runtime/pooling/prediction_referee.hpp"
#include "runtime/pooling/price_controller.hpp"
#include "runtime/pooling/session_signal.hpp"
#include "runtime/pooling/warm_adaptation.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

class state_reader;

struct predictive_options {
  /// Above 0: a fixed price, in visits per second of an average specialist. 0: the policy finds it.
  double price = 0;
  /// Only slots have a price: keep every specialist that the hard caps allow.
  bool fill_slots = false;
  /// Prewarming needs this many times the price of keeping; otherwise the two would alternate.
  double prewarm_factor = 1.1;
  /// Each visit of a specialist that is visited r times less than the mean counts r^rarity as much.
  /// Raises the value of rare specialists.
  double rarity = 0.1;
};

/// Why a specialist has its rank.
struct ranked_reason {
  const char* source = "";
  double trust = 0;   ///< The weight of the source, learned for this specialist.
  double factor = 1;  ///< Factor by which the source changes the call rate.
};
struct ranked {
  specialist_index who = 0;
  double value = 0;          ///< Call rate × load cost ÷ memory × priority.
  double rate = 0;           ///< Expected visits per second.
  double within_minute = 0;  ///< Probability of a visit within 60 s.
  bool worth_warm = false;
  std::vector<ranked_reason> reasons;  ///< The strongest first.
};

/// Events that are reported to the operator.
enum class policy_news : std::uint8_t { prediction_off, prediction_retried, adjusted };

struct policy_report {
  double price = 0;
  double threshold = 0.3;
  std::size_t slots = 0;   ///< In force: `max_warm` less the slots given up.
  bool predicting = true;  ///< False: prediction is off; keep-alive is fixed at `keep_s`.
  double keep_s = 0;
  double mean_memory = 0;  ///< Share of always-warm memory, mean over about two days.
  std::uint64_t prewarm_hits = 0;
  std::uint64_t prewarm_wastes = 0;
  double prewarm_wasted_s = 0;
  double announced_trust = 1;  ///< Announcements that came true ÷ the sum of their probabilities.
};

class predictive_policy final : public warm_policy {
public:
  explicit predictive_policy(const predictive_options& options = {});

  void learn(specialist_index who, const specialist_facts& facts) override;
  void set_limits(const pool_limits& limits) override;
  void observe_arrival(specialist_index who, std::uint64_t case_key, double now_s) override;
  void observe_idle(specialist_index who, double now_s) override;
  room make_room(specialist_index who, std::span<const slot_state> slot_states,
                 double now_s) override;
  /// Examines only the specialists that are due (and all slot states when a hard cap can bind).
  plan review(std::span<const slot_state> slot_states, double now_s) override;

  /// Another predictor announces a task for `who` with this probability within `within_s` seconds.
  /// The policy learns from the outcomes how far to trust announcements. `why` is `predicted` or
  /// `workflow`. A later announcement replaces the earlier one.
  void expect(specialist_index who, double probability, double within_s, reason why, double now_s);

  /// The `count` specialists of highest value, best first, each with the reasons.
  std::vector<ranked> rank(std::size_t count, double now_s) const;
  policy_report report() const;
  /// Events since the last call.
  std::vector<policy_news> take_news();

  /// The learned state as text, with a version and a checksum, keyed by the specialists' names.
  /// `names` has one entry for each specialist.
  std::string save(std::span<const std::string> names) const;
  /// Restores saved state; skips names that are no longer in the cast. After a problem the
  /// policy is unchanged.
  base::expected<void> restore(std::string_view text, std::span<const std::string> names);

private:
  /// Shares of starts that were complete, and not complete, at the visit; old starts fade.
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
    made_late<call_rate_mixture::own_trust> trust;
    // The latest estimate, not yet compared with the outcome.
    made_late<signal_values> signals;
    double first_idle_s = 0;  ///< Used before there is a history.
    double idle_since_s() const { return history.made() ? history->idle_since_s : first_idle_s; }
    double estimated_s = 0;
    double estimated_raw = 0;
    bool has_estimate = false;
    double rate = 0;        ///< The latest estimate; 0 if the specialist was never visited.
    double warm_below = 0;  ///< Warm below this price until the next assessment.
    double announced_rate = 0;
    double announced_until_s = 0;
    double announced_probability = 0;
    reason announced_why = reason::predicted;
    double warm_since_s = -1;  ///< Start of the warm idle time; below 0: not warm and idle.
    double prewarmed_s = -1;   ///< Time of a prewarm that is unused so far; below 0: none.
    std::uint32_t wastes = 0;  ///< Unused prewarms since the last visit.
    start_counts starts;       ///< The specialist's own starts.
    bool missed = false;       ///< The current visit found the specialist cold.
    bool shadow_gone = false;  ///< Fixed keep-alive would have cooled the specialist by now.
  };

  struct saved_state;
  saved_state parse_state(state_reader& from, std::span<const std::string> names) const;

  double settle_s(const member& one) const;
  double worth(const member& one, double rate) const;
  /// The part of that value that justifies a start ahead of demand.
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
  slot_state paced(const slot_state& slot) const;
  bool has_learned() const { return fleet_visits_ >= 30; }
  signal_values read(specialist_index who, double at_s) const;
  double estimate(specialist_index who, double now_s);
  void settle_books(member& one, double now_s, bool came);
  void close_announcement(member& one, bool came);
  double step_s(const member& one, const slot_state& slot, double value, double now_s) const;

  bool looks_ahead(const member& one, double now_s) const;
  void reassess(specialist_index who, const slot_state& slot, double now_s, plan& answer);
  void consider_cold(specialist_index who, double value, double now_s, plan& answer);
  void consider_warm(specialist_index who, const slot_state& slot, double value, double now_s,
                     plan& answer);
  void cool(specialist_index who, reason why, double value, double now_s, plan& answer);
  void enforce_caps(std::span<const slot_state> slot_states, double now_s, plan& answer);
  void admit_prewarms(std::span<const slot_state> slot_states, double now_s, plan& answer);
  template <class Spared>
  eviction_order evictable_now(std::span<const slot_state> slot_states, double now_s,
                               Spared spared);
  pool_limits limits_in_force() const;
  void tick(std::span<const slot_state> slot_states, double now_s);

  /// The horizon of the threshold's probability: this many cooldowns.
  static constexpr double price_horizon_cooldowns = 20;

  predictive_options options_;
  pace pace_;            ///< All times below are policy time.
  double latest_s_ = 0;  ///< The latest clock time seen.
  pool_limits limits_;
  std::vector<member> members_;
  std::vector<specialist_facts> facts_;  ///< In the order of `members_`, for sums over the cast.
  std::vector<specialist_index> pins_;
  fleet_rhythm fleet_;
  call_rate_mixture mixture_;
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
  double seen_ = 0;  ///< Specialists with at least one visit.
  double announced_came_ = 0;
  double announced_promised_ = 0;
  double price_now_ = 1e-4;
  bool scarce_ = false;  ///< Slots are scarce until `scarce_until_s_`.
  double scarce_until_s_ = -never_s;
  double marginal_rate_ = 1e-4;  ///< Approximate rate of recently evicted specialists.
  start_counts starts_;          ///< Of all specialists.
  // For the adaptation: visits and misses since the last tick, faded.
  double visits_recent_ = 0;
  double misses_recent_ = 0;
  double ticked_s_ = -1;
};

std::unique_ptr<warm_policy> make_predictive_policy(const predictive_options& options = {});

}  // namespace greenroom::runtime
