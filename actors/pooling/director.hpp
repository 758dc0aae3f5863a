// The director: the one who decides who may be warm.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/pooling/greenroom_policy.hpp"
#include "runtime/pooling/start_times.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
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

/// Holds the slots of one pool. A slot is held from the moment it is granted until the worker is
/// really gone, and a specialist that a task waits for has its slot reserved while another one
/// gives it up. Departments ask with `slot_need`, report with `slot_news` and `usage_batch`, and
/// get `slot_grant` and `slot_recall`. Each of these may be said again at any time and says how
/// things are, so that what one side has forgotten, or never heard, the other one tells it; a
/// number in every grant tells the answer to it from what was said before. `again_atom` asks all
/// departments how things are. An operator says `(warm_up_atom, index)` or
/// `(cool_atom, index)`. A memory_sampler sends `memory_survey`; `reload_atom` says that the cast
/// or the limits have changed. To the predictor, which `(hire_atom, actor)` names, it passes on
/// what arrives, and hears `expectation_batch`. With Greenroom's own policy it restores what that
/// had learnt, saves it every minute, and shows what it believes on the node's forecast
/// board.
struct director_state {
  static constexpr const char* name = "greenroom.director";

  caf::event_based_actor* self = nullptr;
  std::optional<director_parts> parts;
  protocols::pool_kind pool = protocols::pool_kind::intelligent;
  std::unique_ptr<runtime::warm_policy> policy;
  runtime::greenroom_policy* ours = nullptr;  ///< The same, when it is Greenroom's own.
  caf::actor predictor_handle;                ///< The predictor.
  std::mt19937_64 chance;                     ///< Starts ahead of demand are spread by it.
  double shown_s = 0;                         ///< When the board was written last,
  double saved_s = 0;                         ///< and what was learnt.
  runtime::pool_limits limits;
  std::vector<caf::actor> departments;
  std::vector<runtime::seat> seats;
  std::vector<runtime::specialist_facts> facts;
  runtime::start_times starts;
  double typical_told_s = 0;  ///< The typical start that the policy was told for everybody.
  struct holding {
    bool held = false;  ///< It has, or had until it is gone, a process.
    /// It has been promised a place, which another one still has or nobody has granted yet; in the
    /// plan it counts as warming.
    bool reserved = false;
    bool recalled = false;       ///< It was asked to give its place up.
    bool prewarmed = false;      ///< Started for no task yet.
    bool started = false;        ///< It was heard that its process is being started.
    bool to_cool = false;        ///< Cooled by hand while it was at work: as soon as it is through.
    bool to_warm = false;        ///< Warmed by hand while its process was going: once that is gone.
    bool heard = false;          ///< Its department has answered the last grant.
    std::uint32_t failures = 0;  ///< Its department gave up starting it so often in a row.
    /// Until then nobody starts it but a task or an operator; never, unless it is pinned.
    double failed_until_s = 0;
    std::uint64_t lease = 0;   ///< The number of its last grant; see protocols::slot_news.
    double told_s = 0;         ///< When its department was told of that.
    double waits_since_s = 0;  ///< Since when it waits for a place; 0: it does not.
    /// When it was cooled by hand, or its process went after that; 0: it was not, or was asked for
    /// since.
    double dismissed_s = 0;
    double granted_s = 0;   ///< When it got its place.
    double counted_mb = 0;  ///< Its share of `held_mb`; below 0: pinned, not counted.
    runtime::reason why = runtime::reason::demand;
  };
  std::vector<holding> held;
  std::deque<std::uint32_t> waiting;        ///< Wanted, without a place so far; each once.
  std::vector<std::uint32_t> reservations;  ///< Who has a place reserved, first come first.
  std::uint32_t generation = 0;             ///< Of the cast that was adopted last.
  std::size_t held_count = 0;               ///< Of those that are not pinned.
  double held_mb = 0;
  std::uint64_t review_generation = 0;
  double review_due_s = runtime::never_s;

  void open();
  void adopt_catalog();
  /// Adopts the cast in force unless that was done.
  void follow_cast();
  void meet(std::uint32_t index, const caf::actor& department);
  void ask_all();
  void hear_need(const protocols::slot_need& need);
  void hear_news(const protocols::slot_news& news);
  /// To the predictor.
  void pass_on(const protocols::usage_batch& batch);
  void hear_usage(const protocols::usage_batch& batch);
  void hear_expectations(const protocols::expectation_batch& batch);
  void restore();
  void save();
  void hear_survey(const protocols::memory_survey& survey);
  void by_hand(std::uint32_t who, bool warm);
  void review();

private:
  void place(std::uint32_t who, runtime::reason why);
  void wait(std::uint32_t who);
  void vacate(std::uint32_t who);
  void note_failure(std::uint32_t who, std::uint32_t before);
  void tell_again(double now_s);
  void keep_promises();
  void take_turns(double now_s);
  void learn_start(std::uint32_t who, double seconds);
  /// The number means another specialist from now on. What the policy has learnt of how often its
  /// number is asked for stays until it learns better.
  void begin_anew(std::uint32_t who);
  void serve_waiting();
  void grant_reserved();
  void show(double now_s);
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has_room_for(std::uint32_t who) const;
  void hold(std::uint32_t who, bool now_held);
  void grant(std::uint32_t who);
  void recall(std::uint32_t who, runtime::reason why, bool turn = false);
  void review_at(double due_s);
  [[nodiscard]] double review_pause_s() const;
  /// How long an operator's `cool` stands against what is predicted.
  [[nodiscard]] double dismissal_s() const;
  [[nodiscard]] double now_s();
  template <class Message>
  void tell(std::uint32_t who, Message message);
};

using director_actor = caf::stateful_actor<director_state>;

caf::behavior director(director_actor* self, const director_parts& parts, protocols::pool_kind pool,
                       policy_factory make_policy);

}  // namespace greenroom::actors
