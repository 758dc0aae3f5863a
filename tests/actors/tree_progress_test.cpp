// After any events and crashes, the next caller is served in time.
#include "tests/support/steady_workers.hpp"
#include "tests/support/watched_stage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::tests {
namespace {

constexpr steady_workers::times steady_times{.start = 200ms, .run = 300ms, .stop = 50ms};
// The sum of the check intervals of department, director and dispatcher, and the test's steps.
constexpr std::chrono::milliseconds looks_between{300};
constexpr int starts_of_a_turn = 4;

struct troubles {
  bool kills = false;    // Actors are killed.
  bool rollout = false;  // Two pools, with traffic that moves between them.
};

config::node random_cast(std::mt19937_64& chance) {
  auto config = quick_cast();
  config.pool.max_warm = 1 + chance() % 4;
  config.pool.min_residency = 100ms * (chance() % 10);
  config.pool.cooldown = chance() % 2 == 0 ? 1s : 3600s;  // Must not be needed for progress.
  config.pool.warming_concurrency = 1 + chance() % 3;
  config.queue.per_specialist = 8;
  config.retry.base = 10ms;
  config.retry.max = 100ms;
  config.breaker.failures = 1 + chance() % 5;
  config.breaker.open = 100ms * (1 + chance() % 10);
  for (auto& department : config.departments)
    for (auto& one : department.specialists) {
      one.backend.concurrency = 1 + chance() % 3;
      one.backend.task_timeout = 20s;
      one.backend.side_effects = static_cast<config::side_effects>(chance() % 3);
      one.pin = chance() % 12 == 0;
    }
  if (chance() % 3 == 0) {
    config.departments[0].specialists[1].fallback = "d0-s2";
    config.departments[0].specialists[2].fallback = "d1-s0";
  }
  if (chance() % 4 == 0) config.pool.memory_budget_mb = 11;  // Two workers.
  return config;
}

// Other limits, and a specialist removed, restored, or replaced under another name, which may reuse
// the number of a removed one.
void reload(stage& node, const config::node& whole, std::mt19937_64& chance) {
  auto next = whole;
  std::string newcomer;
  next.pool.max_warm = 1 + chance() % 4;
  next.pool.min_residency = 100ms * (chance() % 10);
  for (auto& department : next.departments) switch (chance() % 4) {
      case 0: department.specialists.pop_back(); break;
      case 1:
        newcomer = "fresh-" + std::to_string(node.shared->catalogs.now().generation);
        newcomer += "-" + department.name;
        department.specialists.back().name = newcomer;
        break;
      default: break;
    }
  for (auto& department : next.departments)
    for (auto& one : department.specialists)
      if (!one.fallback.empty()
          && std::ranges::none_of(next.departments, [&](const config::department& each) {
               return std::ranges::any_of(each.specialists, [&](const config::specialist& other) {
                 return other.name == one.fallback;
               });
             }))
        one.fallback.clear();
  if (!node.shared->replace_catalog(
          actors::make_catalog(next, &node.shared->catalogs.now(), {}, node.shared->vacant())))
    return;
  // The call may arrive before the actors learn of the reload.
  if (!newcomer.empty() && chance() % 2 == 0) {
    node.ask(newcomer);
    if (chance() % 2 == 0) node.world.dispatch_some(chance, 30);
  }
  caf::anon_send(node.root, protocols::settings_changed{});
}

class progress_run {
public:
  progress_run(std::uint64_t seed, troubles wanted)
      : chance_{seed}, wanted_{wanted}, whole_{random_cast(chance_)}, node_{whole_} {
    node_.options.with_monitor_and_rollout = wanted.rollout;
    node_.options.with_predictor = false;
    if (chance_() % 2 == 0)
      node_.options.policies[0] = [] { return runtime::make_predictive_policy(); };
    node_.open();
  }

  /// Adds to `lost` who was lost, as the events say it.
  void run(std::set<std::string>& lost) {
    for (int step = 0; step < 150; ++step) trouble();
    for (const auto& one : node_.shared->events.after(0))
      if (one.kind == "actor.lost") lost.insert(one.json);
    if (!rest()) return;
    for (int i = 0; i < 6 && !testing::Test::HasFatalFailure(); ++i) call_one();
  }

private:
  puppet* random_worker() {
    std::vector<puppet*> alive;
    for (const auto& one : node_.all)
      if (!one->gone) alive.push_back(one.get());
    return alive.empty() ? nullptr : alive[chance_() % alive.size()];
  }
  std::uint32_t any_index() {
    return static_cast<std::uint32_t>(chance_() % node_.shared->catalogs.now().members.size());
  }

  void ask() {
    task_request request;
    if (chance_() % 3 == 0) request.timeout = 20ms * (1 + chance_() % 40);
    node_.ask(someone(chance_), std::move(request));
    if (!node_.refused) ids_.push_back(node_.last);
  }

  // The director knows it from past starts, including those before all workers behaved.
  [[nodiscard]] std::chrono::nanoseconds longest_start() const {
    constexpr std::string_view key = "\"start_ms\":";
    std::chrono::milliseconds longest{0};
    for (const auto& one : node_.shared->events.after(0)) {
      const auto at = one.json.find(key);
      if (one.kind != "specialist.warm" || at == std::string::npos) continue;
      longest = std::max(longest,
                         std::chrono::milliseconds{std::stoll(one.json.substr(at + key.size()))});
    }
    return std::max<std::chrono::nanoseconds>(longest, steady_times.start);
  }

  // A rollout's copies wait in the same queues, but no caller of the test receives their ends.
  [[nodiscard]] std::size_t under_way() const {
    std::size_t tasks = 0;
    for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
      for (std::uint32_t i = 0; i < node_.shared->catalogs.now().members.size(); ++i)
        tasks += node_.shared->pools.of(kind).specialists[i].gauge.depth();
    std::size_t unheard = 0;
    for (const auto& one : node_.callers) unheard += one->ends == 0 ? 1U : 0U;
    return std::max(tasks, unheard);
  }

  void trouble() {
    switch (chance_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3: ask(); break;
      case 4:
      case 5:
        for (auto& one : node_.all)
          if (!one->gone && chance_() % 2 == 0) one->get_ready();
        break;
      case 6:
        for (auto& one : node_.all)
          if (!one->gone && chance_() % 2 == 0) one->finish_one();
        break;
      case 7:
        if (auto* one = random_worker()) one->fail_one(chance_() % 2 == 0);
        break;
      case 8:
        if (auto* one = random_worker()) one->die(chance_() % 2 == 0);
        break;
      case 9:
        for (auto& one : node_.all)
          if (!one->gone && one->stopping && chance_() % 2 == 0) one->die();
        break;
      case 10:
        if (!ids_.empty())
          if (const auto job = node_.shared->ledger.find(ids_[chance_() % ids_.size()]))
            static_cast<void>(node_.desk.cancel(*job));
        break;
      case 11:
        if (chance_() % 2 == 0)
          caf::anon_send(node_.root, protocols::warm_by_hand{any_index()});
        else
          caf::anon_send(node_.root, protocols::cool_by_hand{any_index()});
        break;
      case 12:
        if (chance_() % 3 == 0) reload(node_, whole_, chance_);
        if (chance_() % 3 == 0) caf::anon_send(node_.root, protocols::check_workers{});
        break;
      case 13: node_.world.dispatch_some(chance_, chance_() % 20); break;
      case 14:
        if (wanted_.rollout && chance_() % 3 == 0) send_command();
        [[fallthrough]];
      default:
        if (wanted_.kills && chance_() % 3 == 0) node_.kill_someone(chance_);
        node_.world.dispatch(chance_);
        node_.world.advance(10ms * (chance_() % 50));
    }
  }

  void send_command() {
    using kind = rollout_command::kind;
    constexpr std::array verbs{kind::start,     kind::abort,   kind::route, kind::route,
                               kind::roll_back, kind::confirm, kind::pause, kind::resume};
    node_.command(verbs[chance_() % verbs.size()], static_cast<double>(chance_() % 101));
  }

  // From now on all workers behave, and every accepted task ends. Then circuits close and delayed
  // work is due.
  bool rest() {
    const bool ended =
        workers_.run_until(chance_, 60s, [this] { return node_.everyone_heard_once(); });
    const auto short_of = [this] {
      std::string text = "after everybody had behaved for a minute";
      for (const auto& one : node_.events()) text += "\n" + one;
      return text;
    };
    EXPECT_TRUE(ended) << short_of();
    if (chance_() % 2 == 0) workers_.run_until(chance_, 1500ms, [] { return false; });
    return ended;
  }

  std::uint32_t any_present_index() {
    const auto& members = node_.shared->catalogs.now().members;
    auto who = any_index();
    while (members[who].gone) who = any_index();
    return who;
  }

  // The longest time that a call may take: the tasks before it in the queue, each with a start, a
  // run and its residency, and the circuit. With `others` further calls arrive meanwhile.
  [[nodiscard]] std::chrono::nanoseconds longest_wait(std::uint32_t who, std::uint64_t before,
                                                      bool others) const {
    const auto& config = node_.shared->catalogs.now().config;
    const auto residency = std::chrono::nanoseconds{
        config.pool.min_residency ? *config.pool.min_residency : std::chrono::milliseconds{2000}};
    const auto one_turn = steady_times.run + steady_times.stop + steady_times.start;
    std::chrono::nanoseconds most = config.breaker.open + config.retry.max + looks_between;
    most += static_cast<std::int64_t>(before) * (one_turn + residency);
    if (!others) return most;
    // A specialist that is never idle has a turn of four starts, or its residency. Overflow makes
    // its fallback busy, and that one's fallback.
    const auto fallbacks = whole_.departments[0].specialists[1].fallback.empty() ? 0 : 2;
    // While the tasks before it in its own queue run, its own turns end as well.
    std::size_t line = 0;
    for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
      line += node_.shared->pools.of(kind).specialists[who].gauge.depth();
    constexpr auto tasks_of_a_turn = starts_of_a_turn * steady_times.start / steady_times.run;
    return most
           + (1 + fallbacks + static_cast<std::int64_t>(line) / tasks_of_a_turn)
                 * (std::max(starts_of_a_turn * longest_start(), residency) + looks_between
                    + one_turn);
  }

  // Some workers are busy when the call is made.
  void call_one() {
    const auto beside = chance_() % 3 == 0 ? someone(chance_) : std::string{};
    for (std::size_t busy = chance_() % 3; busy > 0; --busy) node_.ask(someone(chance_));
    workers_.run_until(chance_, 10ms * (chance_() % 60), [] { return false; });
    const auto before = 1 + under_way();
    const auto who = any_present_index();
    const auto name = node_.shared->catalogs.now().members[who].config.name;
    const auto most = longest_wait(who, before, !beside.empty());
    const auto begun = node_.world.now_ns();
    std::shared_ptr<caller> mine;
    const bool served = workers_.run_until(chance_, most, [&] {
      if (!beside.empty() && beside != name) node_.ask(beside);
      // An open circuit refuses at admission.
      if (!mine) {
        mine = node_.ask(name);
        refused_ = node_.refused.has_value();
        if (refused_) mine.reset();
      }
      return mine && mine->ends > 0;
    });
    if (served && mine->state == protocols::task_state::completed) return;
    std::string text = name + " called " + ms_since(begun) + " ms ago, bound "
                       + std::to_string(most.count() / 1'000'000) + " ms"
                       + (refused_                 ? ", refused"
                          : mine && mine->ends > 0 ? ", ended badly: " + mine->output
                                                   : "")
                       + specialists_text();
    const bool late = workers_.run_until(chance_, 30s, [&] { return !mine || mine->ends > 0; });
    text += late ? "\nserved " + ms_since(begun) + " ms after it called"
                 : std::string{"\nnot served half a minute later"};
    FAIL() << text << node_text();
  }

  [[nodiscard]] std::string ms_since(std::int64_t begun_ns) {
    return std::to_string((node_.world.now_ns() - begun_ns) / 1'000'000);
  }

  [[nodiscard]] std::string specialists_text() const {
    const auto& members = node_.shared->catalogs.now().members;
    std::string text;
    for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
      for (std::uint32_t i = 0; i < members.size(); ++i) {
        const auto& record = node_.shared->pools.of(kind).specialists[i];
        text += "\n" + std::string{protocols::to_string(kind)} + " " + members[i].config.name
                + (members[i].gone ? " gone" : "") + (members[i].config.pin ? " pinned" : "")
                + " state " + std::to_string(static_cast<int>(record.gauge.state.load()))
                + " depth " + std::to_string(record.gauge.depth()) + " running "
                + std::to_string(record.gauge.running.load());
      }
    return text;
  }

  // The pool's configuration and the last events.
  [[nodiscard]] std::string node_text() const {
    const auto& pool = node_.shared->catalogs.now().config.pool;
    std::string text = "\nmax_warm " + std::to_string(pool.max_warm) + " residency "
                       + (pool.min_residency ? std::to_string(pool.min_residency->count()) : "auto")
                       + " budget " + std::to_string(pool.memory_budget_mb);
    const auto events = node_.events();
    for (std::size_t i = events.size() > 60 ? events.size() - 60 : 0; i < events.size(); ++i)
      text += "\n" + events[i];
    return text;
  }

  std::mt19937_64 chance_;
  troubles wanted_;
  config::node whole_;
  watched_stage node_;
  steady_workers workers_{node_, steady_times};
  std::vector<protocols::task_id> ids_;
  bool refused_ = false;
};

/// Returns who was lost in any of the plays.
std::set<std::string> serve_whoever_calls(std::uint64_t first, std::uint64_t count,
                                          troubles wanted) {
  std::set<std::string> lost;
  for_each_seed(first, count, [&](std::uint64_t seed) { progress_run{seed, wanted}.run(lost); });
  return lost;
}

/// In few plays chance may spare one of them.
void expect_all_kinds(const std::set<std::string>& lost, std::uint64_t plays) {
  if (plays < 50) return;
  EXPECT_THAT(lost,
              testing::IsSupersetOf({R"({"actor":"dispatcher"})", R"({"actor":"director"})",
                                     R"({"actor":"intelligent pool"})", R"({"department":"D0"})",
                                     R"({"department":"D1"})", R"({"specialist":"d0-s0"})",
                                     R"({"specialist":"d1-s1"})"}));
}

TEST(TreeProgress, ServesWhoeverCallsNextInAnyOrder) {
  EXPECT_THAT(serve_whoever_calls(10'000, 150, {}), testing::IsEmpty());
}

TEST(TreeProgress, ServesWhoeverCallsNextWhileItsActorsAreKilled) {
  expect_all_kinds(serve_whoever_calls(2'000'000, 150, {.kills = true}), seeds(150));
}

TEST(TreeProgress, ServesWhoeverCallsNextWhileTrafficMovesBetweenPools) {
  expect_all_kinds(serve_whoever_calls(4'000'000, 60, {.kills = true, .rollout = true}), seeds(60));
}

}  // namespace
}  // namespace greenroom::tests
