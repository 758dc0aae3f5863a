// The director: the one actor that grants and recalls the warm slots of its pool. What it decides
// is in runtime/pooling/slot_allocator.hpp.
#pragma once

#include "actors/pooling/learned_policy.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/pooling/slot_allocator.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace greenroom::actors {

/// Makes the policy by which a director decides.
using policy_factory = std::function<std::unique_ptr<runtime::warm_policy>()>;

/// What the director works with.
struct director_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  routing_table& routes;
  forecast_board& forecast;
  std::uint64_t seed;
};

using review_due_atom = caf::atom_constant<caf::atom("reviewdue")>;

/// The interface and the director's own timer.
using director_self = protocols::director_actor::extend<
    // The pause before the next review has passed. A stale generation means that another review
    // was armed since.
    caf::reacts_to<review_due_atom, std::uint64_t>>;

/// Carries the messages between the departments of one pool and `runtime::slot_allocator`, which
/// decides. Arrivals go on to the predictor. With Greenroom's own policy the director restores what
/// the policy has learnt, saves it every minute, and shows it on the forecast board.
struct director_state {
  static constexpr const char* name = "greenroom.director";

  void open(director_self::stateful_pointer<director_state> actor, const director_parts& from,
            protocols::pool_kind which, const policy_factory& make_policy);
  void on_exit(const caf::exit_msg& message);
  void on_settings_changed();
  void on_department(const protocols::department_joined& news);
  void on_predictor(const protocols::predictor_joined& news);
  void on_reconcile();
  void on_need(const protocols::slot_need& need);
  void on_news(const protocols::slot_news& news);
  void on_usage(const protocols::usage_batch& batch);
  void on_expectations(const protocols::expectation_batch& batch);
  void on_survey(const protocols::memory_survey& survey);
  void on_warm_by_hand(protocols::warm_by_hand wish);
  void on_cool_by_hand(protocols::cool_by_hand wish);
  void on_begin();
  void on_review_due(std::uint64_t generation);

private:
  void review();
  void adopt_catalog();
  /// A report on an index may arrive before the message that the catalog has changed.
  void follow_catalog();
  void pass_to_predictor(const protocols::usage_batch& batch);
  /// Sends and counts what the allocator has decided.
  void carry_out();
  void review_at(double due_s);
  [[nodiscard]] double now_s() const;

  director_self::stateful_pointer<director_state> self_ = nullptr;
  std::optional<director_parts> parts_;
  protocols::pool_kind pool_ = protocols::pool_kind::intelligent;
  std::unique_ptr<runtime::warm_policy> policy_;
  runtime::predictive_policy* predictive_ = nullptr;  ///< `policy_`, if it is Greenroom's own.
  std::optional<runtime::slot_allocator> slots_;
  std::optional<learned_policy> learned_;  ///< Of the intelligent pool.
  protocols::predictor_actor predictor_;
  std::vector<protocols::department_actor> departments_;
  std::mt19937_64 random_;        ///< Spreads starts ahead of demand.
  std::uint32_t generation_ = 0;  ///< Of the catalog that was adopted last.
  std::uint64_t review_generation_ = 0;
  double review_due_s_ = runtime::never_s;
};

director_self::behavior_type director(director_self::stateful_pointer<director_state> self,
                                      const director_parts& parts, protocols::pool_kind pool,
                                      const policy_factory& make_policy);

}  // namespace greenroom::actors
