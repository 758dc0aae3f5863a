// A node's whole actor tree in virtual time: real actors, puppet workers, counting callers.
#pragma once

#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/node_state.hpp"
#include "actors/supervision/root.hpp"
#include "actors/tasks/admission.hpp"
#include "apps/chaos/kill_actor.hpp"
#include "runtime/pooling/lru_policy.hpp"
#include "tests/support/deterministic_system.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::tests {

/// `GREENROOM_TEST_SEEDS` and `GREENROOM_TEST_FIRST_SEED` override how many seeds a test tries and
/// the first one, to run longer or to replay a failure.
inline std::uint64_t first_seed(std::uint64_t usual) {
  const auto* wanted = std::getenv("GREENROOM_TEST_FIRST_SEED");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

inline std::uint64_t seeds(std::uint64_t usual) {
  const auto* wanted = std::getenv("GREENROOM_TEST_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

/// Calls `run(seed)` for each seed until a failure, which names its seed.
template <class Run>
void for_each_seed(std::uint64_t usual_first, std::uint64_t usual_count, Run run) {
  const auto first = first_seed(usual_first);
  const auto count = seeds(usual_count);
  for (std::uint64_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(first + i));
    run(first + i);
  }
}

/// A worker that acts only when the test says so.
class puppet final : public machine::worker {
public:
  explicit puppet(std::shared_ptr<machine::worker_events> events) : events_{std::move(events)} {}

  void start() override { started = true; }
  void run(protocols::task_ptr job) override { held.push_back(std::move(job)); }
  void cancel(const protocols::task_ptr&) override { ++cancels; }
  bool forget(const protocols::task_ptr& job) override {
    return forgets && std::erase(held, job) > 0;
  }
  void ping() override { ++pings; }
  void stop(std::chrono::milliseconds) override { stopping = true; }
  [[nodiscard]] int pid() const override { return 0; }

  // -- the test's commands --
  void get_ready() { events_->on_ready(); }
  void finish_one() {
    if (held.empty()) return;
    auto job = std::move(held.front());
    held.erase(held.begin());
    auto output = "\"done: \"";
    events_->on_result(std::move(job), {protocols::failure::none, false, output});
  }
  void fail_one(bool retryable, std::chrono::milliseconds retry_after = {}, bool answered = true) {
    if (held.empty()) return;
    auto job = std::move(held.front());
    held.erase(held.begin());
    events_->on_result(std::move(job),
                       {retryable ? protocols::failure::worker_failed : protocols::failure::refused,
                        retryable, "it failed", retry_after.count(), answered});
  }
  /// Fails the oldest task with an HTTP status from the server behind the worker.
  void fail_one_with(int upstream_status) {
    if (held.empty()) return;
    auto job = std::move(held.front());
    held.erase(held.begin());
    auto theirs = std::make_shared<protocols::upstream_answer>();
    theirs->status = theirs->error_status = upstream_status;
    events_->on_result(std::move(job), {protocols::failure::worker_failed, true, "it failed", 0,
                                        true, std::move(theirs)});
  }
  void pong() { events_->on_pong(); }
  void die(bool before_ready = false) {
    if (gone) return;
    gone = true;
    held.clear();
    events_->on_gone({"died", stopping, before_ready});
  }

  std::vector<protocols::task_ptr> held;
  bool started = false, stopping = false, gone = false;
  bool forgets = false;  ///< Tasks can be taken away from the worker while it runs them.
  int cancels = 0, pings = 0;

private:
  std::shared_ptr<machine::worker_events> events_;
};

/// Counts what one caller received.
struct caller final : protocols::task_observer {
  void on_accepted(const protocols::task&) noexcept override { ++accepted; }
  void on_existing(const protocols::task_id&) noexcept override { ++existing; }
  void on_end(const protocols::task& job) noexcept override {
    ++ends;
    state = job.end_state;
    why = job.why;
    output = job.output;
    attempts = job.attempts;
    retry_after_ms = job.retry_after_ms;
    cold = job.cold_start;
    unwritten = job.unwritten;
  }
  void on_node_stopping(const protocols::task&) noexcept override { ++lefts; }
  int accepted = 0, existing = 0, ends = 0;
  protocols::task_state state = protocols::task_state::queued;
  protocols::failure why = protocols::failure::none;
  std::string output;
  std::uint32_t attempts = 0;
  std::int64_t retry_after_ms = 0;
  bool cold = false, unwritten = false;
  int lefts = 0;
};

class virtual_clock final : public machine::clock {
public:
  explicit virtual_clock(deterministic_system& world) : world_{world} {}
  [[nodiscard]] std::int64_t now_ns() const override { return world_.now_ns(); }
  [[nodiscard]] std::int64_t unix_ms() const override {
    return 1'700'000'000'000 + world_.now_ns() / 1'000'000;
  }

private:
  deterministic_system& world_;
};

/// `departments` departments of `each` specialists named d0-s0, d0-s1 …, with process backends.
inline config::node small_cast(std::size_t departments, std::size_t each) {
  config::node result;
  for (std::size_t d = 0; d < departments; ++d) {
    auto& department = result.departments.emplace_back();
    department.name = "D" + std::to_string(d);
    for (std::size_t s = 0; s < each; ++s) {
      auto& one = department.specialists.emplace_back();
      one.name = "d" + std::to_string(d) + "-s" + std::to_string(s);
      one.backend.command = {"puppet"};
    }
  }
  return result;
}

class stage {
public:
  /// Specialists in `callables` run inline.
  explicit stage(config::node config, actors::callable_table callables = {})
      : clock{std::make_shared<virtual_clock>(world)},
        shared{std::make_unique<actors::node_state>(
            actors::make_catalog(
                std::move(config), nullptr,
                [&](std::string_view name) { return callables.contains(std::string{name}); }),
            8, 42, clock)},
        desk{actors::hand_out<actors::admission_parts>(*shared)} {
    shared->workers.callables = std::make_shared<actors::callable_table>(std::move(callables));
    is_inline = [table = shared->workers.callables](std::string_view name) {
      return table->contains(std::string{name});
    };
    shared->workers.make_worker = [this](const actors::member& who, std::string_view,
                                         protocols::pool_kind,
                                         std::shared_ptr<machine::worker_events> events) {
      auto fresh = std::make_shared<puppet>(std::move(events));
      workers[who.config.name] = fresh;
      ++starts[who.config.name];
      all.push_back(fresh);
      return fresh;
    };
    shared->on_fatal = [this](std::string why) { collapsed = std::move(why); };
    options.policies[0] = [] { return runtime::make_lru_policy(); };
  }
  ~stage() { close(); }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  void open() {
    root = world.system.spawn(actors::root, shared.get(), options);
    world.dispatch();
  }
  void close() {
    if (root) caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    root = nullptr;
    world.dispatch();
    for (std::size_t kind = 0; kind < actors::pool_count; ++kind)
      for (auto& record : shared->pools.of(static_cast<protocols::pool_kind>(kind)).specialists) {
        record.abandon();
        record.actor = nullptr;
      }
    for (auto& one : all) one->held.clear();
    shared->dispatching.pending.clear();
    EXPECT_EQ(shared->unexpected.total(), unexpected_wanted)
        << "an actor got a message that it does not handle";
  }

  /// Submits a task. After a refusal `refused` has the reason.
  std::shared_ptr<caller> ask(const std::string& specialist, task_request request = {}) {
    auto who = std::make_shared<caller>();
    request.specialist = specialist;
    auto outcome = desk.submit(std::move(request), who);
    refused.reset();
    if (auto* none = std::get_if<refusal>(&outcome))
      refused = *none;
    else
      last = std::get<0>(outcome);
    if (!refused) callers.push_back(who);
    return who;
  }
  puppet& worker(const std::string& name) { return *workers.at(name); }
  void get_ready(const std::string& name) {
    worker(name).get_ready();
    world.dispatch();
  }
  void finish_one(const std::string& name) {
    worker(name).finish_one();
    world.dispatch();
  }
  /// All events, for failure messages.
  [[nodiscard]] std::vector<std::string> events() const {
    std::vector<std::string> result;
    for (const auto& one : shared->events.after(0)) result.push_back(one.kind + " " + one.json);
    return result;
  }
  /// Sends what the memory sampler would send to the intelligent pool.
  void send_survey(const protocols::memory_survey& survey) {
    using root_base = actors::root_self::stateful_base<actors::root_state>;
    auto* const self = dynamic_cast<root_base*>(caf::actor_cast<caf::abstract_actor*>(root));
    const auto pool = self->state.actor_of(actors::root_child::intelligent_pool);
    caf::anon_send(caf::actor_cast<protocols::pool_actor>(pool), survey);
  }
  /// Kills the actor with this name (see `apps::kill_actor`) after the ready actors have run.
  void kill(std::string_view name) {
    EXPECT_TRUE(apps::kill_actor(root, *shared, name)) << "no actor is called " << name;
  }
  /// Kills a random actor below the root, mostly a specialist, and returns its name.
  std::string kill_someone(std::mt19937_64& chance) {
    const auto name = someone_below_root(chance());
    kill(name);
    return name;
  }
  /// How often the actor was lost; `of` is its text in the events (`{"actor":"dispatcher"}`).
  [[nodiscard]] std::size_t losses(std::string_view of) const { return happened("actor.lost", of); }
  /// Number of events of this kind with exactly this text.
  [[nodiscard]] std::size_t happened(std::string_view kind, std::string_view json) const {
    std::size_t count = 0;
    for (const auto& one : shared->events.after(0))
      if (one.kind == kind && one.json == json) ++count;
    return count;
  }
  /// Number of puppets that hold a process now.
  [[nodiscard]] std::size_t processes() const {
    std::size_t count = 0;
    for (const auto& one : all)
      if (one->started && !one->gone && one.use_count() > 1) ++count;
    return count;
  }
  [[nodiscard]] bool everyone_heard_once() const {
    for (const auto& one : callers)
      if (one->ends != 1) return false;
    return true;
  }

  deterministic_system world;
  std::shared_ptr<virtual_clock> clock;
  std::uint64_t unexpected_wanted = 0;  ///< Messages that no actor handles, when all has ended.
  std::unique_ptr<actors::node_state> shared;
  actors::admission desk;
  actors::root_options options;
  std::function<bool(std::string_view)> is_inline;  ///< For `make_catalog`.
  protocols::root_actor root;
  std::map<std::string, std::shared_ptr<puppet>> workers;
  std::map<std::string, int> starts;
  std::vector<std::shared_ptr<puppet>> all;
  std::vector<std::shared_ptr<caller>> callers;
  std::optional<refusal> refused;
  protocols::task_id last;
  std::string collapsed;

private:
  [[nodiscard]] std::string someone_below_root(std::uint64_t number) const {
    const auto pick = [&number](std::uint64_t sides) {
      const auto side = number % sides;
      number /= sides;
      return side;
    };
    switch (pick(16)) {
      case 0: return "dispatcher";
      case 1: return "pool";
      case 2: return "journal";
      default: break;
    }
    const auto kind = pick(8);
    if (kind == 0) return "director";
    const actors::catalog_reader::scope reading;
    const auto& catalog = shared->catalogs.now();
    const auto department = pick(catalog.departments.size());
    const auto& members = catalog.department_members[department];
    const auto who = members.empty() ? actors::catalog::nobody : members[pick(members.size())];
    // Who was taken out has no name any more.
    if (kind == 1 || who == actors::catalog::nobody || catalog.members[who].gone)
      return "department " + catalog.departments[department];
    return "specialist " + catalog.name_of(who);
  }
};

}  // namespace greenroom::tests
