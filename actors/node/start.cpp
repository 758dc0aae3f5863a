// The start of a node: builds the parts in the order in which they need each other.
#include "actors/mailbox/io_execution_unit.hpp"
#include "actors/node/parts.hpp"
#include "actors/node/recovery.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/callback.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/root.hpp"
#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "runtime/machine/journal/node_identity.hpp"
#include "runtime/machine/process/process_memory.hpp"
#include "runtime/machine/process/sweep.hpp"
#include "runtime/pooling/lru_policy.hpp"
#include "runtime/pooling/predictive_policy.hpp"

#include <caf/logger.hpp>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>
#include <utility>

namespace greenroom {

using actors::json_object;
using protocols::pool_kind, protocols::task_id;

namespace {

// For one command when a rollback is verified; the whole verification has eight seconds.
constexpr std::chrono::milliseconds probe_timeout{5000};
constexpr std::size_t spare_specialists = 1024;  // Room for specialists that reloads add.

std::size_t scheduler_threads(const config::node& from, std::size_t wanted) {
  if (wanted > 0) return wanted;
  if (from.scheduler.threads > 0) return from.scheduler.threads;
  // Callers and I/O threads run short handlers themselves; one core in two is left to them.
  return std::max<std::size_t>(std::thread::hardware_concurrency() / 2, 1);
}

// Names the data directory in the environment of its workers.
std::string data_mark(const std::string& data_dir) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(data_dir, ignored).string();
  return base::to_hex(base::fnv1a(whole));
}

std::uint64_t fresh_random() {
  std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

base::problem not_started(std::string why) { return {"not-started", std::move(why)}; }

using step_result = base::expected<void, base::problem>;

// One start. Each step needs the parts that the steps before it have built.
class node_start {
public:
  node_start(node::parts& in, config::node configuration, node::options how)
      : in_{in}, configuration_{std::move(configuration)}, how_{std::move(how)} {}

  step_result run(std::vector<node::registration> functions) {
    if (auto done = register_callables(std::move(functions)); !done) return done;
    make_state();
    const actors::catalog_reader::scope reading;
    if (auto done = open_journal(); !done) return done;
    start_process_keeper();
    make_actor_system();
    if (auto done = start_engine(); !done) return done;
    connect_workers();
    open_learned_state();
    make_webhook();
    make_backups();
    spawn_root();
    return {};
  }

  /// Continues the tasks of an earlier run of the node. Call when everything else has started.
  void resume_tasks() {
    for (const auto& one : unfinished_) {
      {
        const std::lock_guard lock{in_.resumed_mutex};
        in_.resumed.insert(protocols::to_string(one.accepted.id));
      }
      // The ledger has room unless the configuration made it smaller: then the tasks that do not
      // fit stay in the journal and run after the next start.
      if (!in_.admission->resume(one)) {
        in_.state->events.publish("journal.resume_incomplete", json_object{});
        break;
      }
    }
  }

private:
  [[nodiscard]] bool has_journal() const { return !how_.without_journal; }
  [[nodiscard]] bool is_always_warm() const {
    return configuration_.pool.mode == config::pool_mode::baseline;
  }

  step_result register_callables(std::vector<node::registration> functions);
  void make_state();
  step_result open_journal();
  step_result open_readers();
  step_result take_identity(const base::expected<machine::node_identity>& known);
  void report_damage(const machine::journal_damage& damage) const {
    actors::tell_damage(in_.state->journal, in_.state->gauge, in_.state->events, damage);
  }
  void start_process_keeper();
  void make_actor_system();
  step_result start_engine();
  void connect_workers();
  void open_learned_state();
  void make_webhook();
  void make_backups();
  [[nodiscard]] actors::root_options root_options_of_node() const;
  void spawn_root();

  node::parts& in_;
  config::node configuration_;
  node::options how_;
  std::vector<machine::stored_task> unfinished_;
  // The journal actor takes the connection that the start has opened, and opens another one only
  // when the journal actor is replaced. Shared, because a function of the root's plan holds it.
  std::shared_ptr<std::unique_ptr<machine::journal>> first_journal_;
};

step_result node_start::register_callables(std::vector<node::registration> functions) {
  auto callables = std::make_shared<actors::callable_table>();
  for (auto& one : functions)
    callables->emplace(one.specialist, machine::callable{std::move(one.run), one.inline_run});
  for (const auto& department : configuration_.departments)
    for (const auto& one : department.specialists)
      if (one.backend.kind == config::backend_kind::function && !callables->contains(one.name))
        return not_started("no callable is registered for " + one.name
                           + ", whose backend is a function; register one or change its backend");
  in_.worker_line = how_.worker_line;
  in_.callables = callables;
  in_.is_inline = [callables](std::string_view name) {
    const auto found = callables->find(std::string{name});
    return found != callables->end() && found->second.inline_run;
  };
  return {};
}

void node_start::make_state() {
  const auto epoch = fresh_random();
  in_.version = GREENROOM_VERSION;
  in_.state = std::make_unique<actors::node_state>(
      actors::make_catalog(configuration_, nullptr, in_.is_inline), spare_specialists, epoch,
      std::make_shared<machine::clock>());
  in_.state->seed = epoch;
  in_.state->on_fatal = [in = &in_](std::string why) {
    in->collapsed = true;
    in->state->events.publish("node.collapsed", json_object{{"why", why}});
  };
  in_.started_ns = in_.state->clock.now_ns();
  in_.admission =
      std::make_unique<actors::admission>(actors::hand_out<actors::admission_parts>(*in_.state));
  in_.admission->set_pool(is_always_warm() ? pool_kind::baseline : pool_kind::intelligent);
}

step_result node_start::open_journal() {
  if (!has_journal()) return {};
  auto& state = *in_.state;
  machine::journal_options where{configuration_.data_dir + "/journal.db",
                                 configuration_.journal.fsync,
                                 {},
                                 [&state](const machine::journal_damage& damage) {
                                   actors::tell_damage(state.journal, state.gauge, state.events,
                                                       damage);
                                 }};
  const auto identity = machine::read_node_identity(configuration_.data_dir);
  if (identity) where.expected = identity->journal;
  auto opened = machine::journal::open(where);
  if (!opened) return not_started(opened.error().text);
  auto& journal = *opened;
  auto found = journal->unfinished();
  if (!found) return not_started(found.error().text);
  unfinished_ = *std::move(found);
  const auto unread = actors::restore_rollout(state.catalogs.now().config, state.routes,
                                              state.board, actors::read_journaled_status(*journal));
  if (!unread.empty())
    report_damage(
        {"the journal holds records that cannot be read, and they were left out: " + unread, {}});
  state.journal.hash_key = journal->hash_key();
  where.expected = journal->identity();
  in_.journal_at = std::move(where);
  if (auto taken = take_identity(identity); !taken) return taken;
  if (auto readers = open_readers(); !readers) return readers;
  state.journal.on = true;
  first_journal_ = std::make_shared<std::unique_ptr<machine::journal>>(std::move(journal));
  return {};
}

step_result node_start::take_identity(const base::expected<machine::node_identity>& known) {
  const auto& data_dir = configuration_.data_dir;
  auto taken = machine::take_node_identity(data_dir, known, in_.journal_at.expected);
  if (!taken) return taken.error();
  auto& identity = *taken;
  in_.identity = std::move(identity.node);
  if (!identity.copied_from.empty())
    in_.state->events.publish(
        "node.data_copied",
        json_object{{"data_dir", data_dir}, {"copied_from", identity.copied_from}});
  return {};
}

step_result node_start::open_readers() {
  for (auto* const reader : {&in_.reader, &in_.scan_reader}) {
    auto opened = machine::journal_reader::open(in_.journal_at);
    if (!opened) return not_started(opened.error().text);
    *reader = *std::move(opened);
  }
  return {};
}

void node_start::start_process_keeper() {
  auto& events = in_.state->events;
  const auto mark = data_mark(configuration_.data_dir) + ":"
                    + protocols::to_string(task_id{in_.state->seed, 0}).substr(0, 16);
  machine::process_keeper::options keeping;
  keeping.mark = mark;
  keeping.bin_directory = how_.bin_directory;
  keeping.adopt = how_.adopt_orphans;
  if (has_journal()) keeping.report = configuration_.data_dir + "/orphans-ended";
  keeping.say = [&events](const std::string& what) {
    events.publish("worker.keeping", json_object{{"guardian", what}});
  };
  in_.keeper = machine::process_keeper::start(keeping);
  if (const auto lacks = in_.keeper->lacks(); !lacks.empty())
    events.publish("worker.keeping", json_object{{"lacks", lacks}});
  if (!has_journal()) return;
  // This node has the journal's lock, so processes with the mark are left from an earlier run.
  in_.keeper->count_orphans(machine::read_guardian_report(keeping.report));
  in_.keeper->end_earlier();
  for (const auto& left : machine::sweep(mark)) {
    in_.keeper->count_orphans(1);
    events.publish("worker.swept", json_object{{"pid", left.pid}});
  }
}

void node_start::make_actor_system() {
  auto& settings = in_.system_config;
  settings.add_message_types<caf::id_block::greenroom>();
  settings.set("scheduler.policy", caf::atom("sharing"));
  settings.set("scheduler.max-threads", scheduler_threads(configuration_, how_.threads));
  settings.set("scheduler.max-throughput", configuration_.scheduler.max_throughput);
  in_.system = std::make_unique<caf::actor_system>(settings);
}

step_result node_start::start_engine() {
  try {
    in_.engine = std::make_unique<machine::engine>(
        configuration_.io_threads,
        [system = in_.system.get(), most = configuration_.scheduler.max_throughput](
            boost::asio::io_context& loop) -> std::unique_ptr<machine::engine::companion> {
          return std::make_unique<actors::io_execution_unit>(*system, loop, most);
        });
    in_.engine->start();
  } catch (const std::exception& thrown) {
    return not_started(
        "the threads for pipes and sockets cannot be started: " + std::string{thrown.what()}
        + " (ulimit -n says how many files may be open, ulimit -u how many threads)");
  }
  return {};
}

void node_start::connect_workers() {
  auto& state = *in_.state;
  state.workers.callables = in_.callables;
  state.workers.make_worker = [in = &in_, bin_directory = how_.bin_directory,
                               time = state.clock.source()](
                                  const actors::member& who, std::string_view department,
                                  pool_kind pool, std::shared_ptr<machine::worker_events> events) {
    machine::worker_surroundings where;
    where.io = in->engine.get();
    where.bin_directory = bin_directory;
    where.node_mark = in->keeper->mark();
    where.keeper = in->keeper;
    where.department = department;
    where.pool = protocols::to_string(pool);
    where.output_bytes_max = in->state->catalogs.now().config.limits.output_bytes;
    where.calls = in->running_calls;
    where.log = [in, time](std::string_view specialist, std::string_view line) {
      in->lines.add(specialist, line, time->unix_ms());
      if (in->worker_line)
        actors::run_callback(in->state->events, "worker_line",
                             [&] { in->worker_line(specialist, line); });
    };
    const auto found = in->callables->find(who.config.name);
    return machine::make_worker(who.config, where,
                                found == in->callables->end() ? nullptr : &found->second,
                                std::move(events));
  };
}

void node_start::open_learned_state() {
  if (!has_journal()) return;
  if (const auto opened = in_.state->forecast.learned.open(configuration_.data_dir + "/learned");
      !opened)
    in_.state->events.publish("learned.unwritten", json_object{{"why", opened.error().text}});
}

void node_start::make_webhook() {
  in_.webhook = std::make_unique<machine::webhook>(
      *in_.engine, machine::webhook_options{},
      [events = &in_.state->events](const std::string& url, const std::string& why) {
        events->publish("webhook.failed", json_object{{"url", url}, {"why", why}});
      });
}

void node_start::make_backups() {
  if (!has_journal()) return;
  auto& state = *in_.state;
  in_.backups = std::make_unique<actors::backups>(
      actors::backup_parts{state.clock, state.catalogs, state.events, state.forecast, state.seed},
      actors::backups::settings{configuration_.data_dir, in_.journal_at, in_.identity,
                                in_.version});
}

actors::root_options node_start::root_options_of_node() const {
  actors::root_options options;
  const bool learns = !how_.policy && configuration_.pool.policy == config::pool_policy::greenroom;
  const actors::policy_factory lru = [] { return runtime::make_lru_policy(); };
  auto policy = lru;
  if (how_.policy) policy = how_.policy;
  if (learns) policy = [] { return runtime::make_predictive_policy(); };
  options.policies[static_cast<std::size_t>(pool_kind::intelligent)] = policy;
  options.policies[static_cast<std::size_t>(pool_kind::baseline)] = lru;
  options.with_predictor = learns;
  options.predictor_detached = true;
  // The other pool is opened when a rollout begins or continues; in the baseline all specialists
  // are kept warm.
  const auto other = is_always_warm() ? pool_kind::intelligent : pool_kind::baseline;
  options.opens_on_request[static_cast<std::size_t>(other)] = true;
  options.with_monitor_and_rollout = true;
  options.post = [hook = in_.webhook.get()](const std::string& url, const std::string& json) {
    hook->post(url, json);
  };
  options.probe = actors::probe_through(
      *in_.admission, actors::hand_out<actors::probe_parts>(*in_.state), probe_timeout);
  options.read_memory = [](int pid) { return machine::measure_process(pid); };
  if (first_journal_)
    options.open_journal =
        [first = first_journal_,
         where = in_.journal_at]() -> base::expected<std::unique_ptr<machine::journal>> {
      if (*first) return std::move(*first);
      return machine::journal::open(where);
    };
  return options;
}

void node_start::spawn_root() {
  in_.root = in_.system->spawn(actors::root, in_.state.get(), root_options_of_node());
  // CAF stores the system's logger in the spawning thread, and the system's destructor waits until
  // no thread holds the logger: a node that is destroyed on another thread would wait for ever.
  caf::logger::set_current_actor_system(nullptr);
}

}  // namespace

node::node(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

base::expected<std::unique_ptr<node>> node::start(config::node configuration,
                                                  std::vector<registration> functions,
                                                  options how) {
  auto inside = std::make_unique<parts>();
  auto& in = *inside;
  node_start steps{in, std::move(configuration), std::move(how)};
  if (auto done = steps.run(std::move(functions)); !done) return done.error();
  std::unique_ptr<node> result{new node{std::move(inside)}};
  const actors::catalog_reader::scope reading;
  steps.resume_tasks();
  in.liveness = std::thread{[&in] { in.run_liveness(); }};
  in.lookups.start();
  in.link->open(*result);
  return result;
}

void node::parts::run_liveness() {
  std::unique_lock lock{liveness_mutex};
  while (!stopping) {
    const auto interval = [this] {
      const actors::catalog_reader::scope reading;
      return state->catalogs.now().config.health_interval;
    }();
    // A wake-up before the time means that another interval is in force.
    const auto status = liveness_wake.wait_for(lock, interval);
    if (!stopping && status == std::cv_status::timeout)
      caf::anon_send(root, protocols::check_workers{});
  }
}

}  // namespace greenroom
