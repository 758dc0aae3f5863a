#include "actors/node/node.hpp"

#include "actors/mailbox/io_execution_unit.hpp"
#include "actors/monitoring/evidence.hpp"
#include "actors/node/listening_asker.hpp"
#include "actors/node/parts.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/callback.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/root.hpp"
#include "actors/tasks/admission.hpp"
#include "actors/tasks/idempotent_asker.hpp"
#include "config/difference.hpp"
#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "protocols/base/number.hpp"
#include "runtime/machine/journal/node_identity.hpp"
#include "runtime/machine/process/process_memory.hpp"
#include "runtime/machine/process/sweep.hpp"
#include "runtime/pooling/greenroom_policy.hpp"
#include "runtime/pooling/lru_policy.hpp"
#include "runtime/rollout/rollback_plan.hpp"

#include <caf/logger.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>
#include <utility>

namespace greenroom {

using actors::json_object;
using protocols::pool_kind, protocols::task, protocols::task_id;
using protocols::task_state;

namespace {

constexpr std::chrono::milliseconds retry_elsewhere{5000};  // About as long as a restart takes.
// Of one command when a rollback is verified, which has eight seconds for it.
constexpr std::chrono::milliseconds probe_patience{5000};
constexpr std::size_t spare_specialists = 1024;  // Room for those a reload adds.

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

// Plans that nobody reads any more; earlier versions kept them all.
void drop_old_rollbacks(machine::journal& from, std::uint64_t count) {
  constexpr std::uint64_t kept = actors::status_board::rollbacks_max;
  constexpr int gap_max = 64;  // So many missing ones in a row: there is nothing older.
  constexpr std::size_t batch_max = 2048;
  std::vector<machine::record> batch;
  int gap = 0;
  for (auto id = count > kept ? count - kept : 0;
       id > 0 && gap < gap_max && batch.size() < batch_max; --id) {
    const auto name = actors::rollback_record(id);
    const auto found = from.state(name);
    const auto* text = std::get_if<std::string>(&found);
    if (text == nullptr || text->empty()) {
      ++gap;
      continue;
    }
    gap = 0;
    batch.emplace_back(machine::state_record{name, {}});
    batch.emplace_back(machine::state_record{name + ".analysis", {}});
  }
  // A failure here is met again by whoever writes next.
  static_cast<void>(from.commit(batch));
}

// How many rollbacks there have been. A count that cannot be one is not believed: then the
// records themselves are looked for, because the latest may be under way.
template <class Read>
std::uint64_t rollbacks_in(const Read& read) {
  using plan = runtime::rollout::rollback_plan;
  const auto text = read(actors::rollback_count_record);
  if (text.empty()) return 0;
  if (const auto count = base::parse_number<std::uint64_t>(text);
      count && *count <= plan::most_rollbacks)
    return *count;
  constexpr std::uint64_t looked_for = 4096;  // Of a node's life; only the last ones are kept.
  std::uint64_t last = 0;
  for (std::uint64_t id = 1; id <= looked_for; ++id)
    if (!read(actors::rollback_record(id)).empty()) last = id;
  return last;
}

// What the rollout and the latest rollbacks wrote down.
actors::journaled_status read_memory(machine::journal& from) {
  const auto read = [&from](const std::string& name) {
    auto found = from.state(name);
    auto* text = std::get_if<std::string>(&found);
    return text != nullptr ? std::move(*text) : std::string{};
  };
  actors::journaled_status result;
  result.rollout = read(actors::rollout_record);
  const auto count = rollbacks_in(read);
  constexpr std::uint64_t kept = actors::status_board::rollbacks_max;
  for (auto id = count > kept ? count - kept + 1 : 1; id <= count; ++id) {
    auto plan = read(actors::rollback_record(id));
    if (plan.empty()) continue;
    result.rollbacks.emplace_back(std::move(plan), read(actors::rollback_record(id) + ".analysis"));
  }
  drop_old_rollbacks(from, count);
  for (std::uint64_t page = 0; page < actors::evidence_pages; ++page)
    result.evidence.push_back(read(actors::evidence_record(page)));
  return result;
}

// Says who this node is. Returns why it cannot.
std::optional<std::string> take_identity(node::parts& in, const std::string& data_dir,
                                         const base::expected<machine::node_identity>& known,
                                         const std::string& journal) {
  auto taken = machine::take_node_identity(data_dir, known, journal);
  if (!taken) return taken.error().text;
  auto& who = *taken;
  in.identity = std::move(who.node);
  if (!who.copied_from.empty())
    in.shared->events.publish(
        "node.data_copied", json_object{{"data_dir", data_dir}, {"copied_from", who.copied_from}});
  return std::nullopt;
}

class promised final : public protocols::asker {
public:
  promised(actors::catalog_store& catalogs, actors::event_log& events,
           std::function<void(task_view)> done)
      : catalogs_{catalogs}, events_{events}, done_{std::move(done)} {}
  void on_left(const task& job) noexcept override { tell(job); }
  void on_end(const task& job) noexcept override { tell(job); }

private:
  void tell(const task& job) noexcept {
    if (told_.exchange(true)) return;
    actors::run_callback(events_, "submit", [&] { done_(actors::end_of(catalogs_, job)); });
  }

  actors::catalog_store& catalogs_;
  actors::event_log& events_;
  std::function<void(task_view)> done_;
  std::atomic<bool> told_{false};
};

/// What would end in a deadlock ends at once, with the name of the mistake.
[[noreturn]] void mistaken(const char* what) {
  std::fprintf(stderr, "greenroom: %s\n", what);
  std::abort();
}

}  // namespace

node::node(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

// -- start and stop -----------------------------------------------------------

std::variant<std::unique_ptr<node>, node::failure> node::start(config::node configuration,
                                                               std::vector<registration> functions,
                                                               options how) {
  auto inside = std::make_unique<parts>();
  auto& in = *inside;
  auto callables = std::make_shared<actors::callable_table>();
  for (auto& one : functions)
    callables->emplace(one.specialist, machine::callable{std::move(one.run), one.inline_run});
  for (const auto& department : configuration.departments)
    for (const auto& one : department.specialists)
      if (one.backend.kind == config::backend_kind::function && !callables->contains(one.name))
        return failure{"no callable is registered for " + one.name
                       + ", whose backend is a function; register one or change its backend"};
  in.log = how.worker_line;
  in.callables = callables;
  in.is_inline = [callables](std::string_view name) {
    const auto found = callables->find(std::string{name});
    return found != callables->end() && found->second.inline_run;
  };
  const auto epoch = fresh_random();
  in.shared = std::make_unique<actors::node_state>(
      actors::make_catalog(configuration, nullptr, in.is_inline), spare_specialists, epoch,
      std::make_shared<machine::clock>());
  auto& shared = *in.shared;
  const actors::catalog_reader::scope reading;
  shared.seed = epoch;
  in.started_ns = shared.clock.now_ns();
  in.desk = std::make_unique<actors::admission>(actors::hand_out<actors::admission_parts>(shared));

  std::vector<machine::stored_task> unfinished;
  machine::journal_options journal_where{configuration.data_dir + "/journal.db",
                                         configuration.journal.fsync,
                                         {},
                                         [&shared](const machine::journal_damage& damage) {
                                           actors::tell_damage(shared.journal, shared.gauge,
                                                               shared.events, damage);
                                         }};
  std::shared_ptr<std::unique_ptr<machine::journal>> first_journal;
  if (!how.without_journal) {
    const auto identity = machine::read_node_identity(configuration.data_dir);
    if (identity) journal_where.expected = identity->journal;
    auto opened = machine::journal::open(journal_where);
    if (auto* why = std::get_if<machine::journal_error>(&opened)) return failure{why->what};
    auto& open_journal = std::get<0>(opened);
    auto found = open_journal->unfinished();
    if (auto* why = std::get_if<machine::journal_error>(&found)) return failure{why->what};
    unfinished = std::move(std::get<0>(found));
    const auto unread = actors::remember(shared.catalogs.now().config, shared.routes, shared.board,
                                         read_memory(*open_journal));
    if (!unread.empty())
      actors::tell_damage(shared.journal, shared.gauge, shared.events,
                          {"the journal holds records that cannot be read, and they were left "
                           "out: "
                               + unread,
                           {}});
    shared.journal.hash_key = open_journal->hash_key();
    journal_where.expected = open_journal->identity();
    if (auto wrong = take_identity(in, configuration.data_dir, identity, open_journal->identity()))
      return failure{std::move(*wrong)};
    auto reader = machine::journal_reader::open(journal_where);
    if (auto* why = std::get_if<machine::journal_error>(&reader)) return failure{why->what};
    in.reader = std::move(std::get<0>(reader));
    auto scanner = machine::journal_reader::open(journal_where);
    if (auto* why = std::get_if<machine::journal_error>(&scanner)) return failure{why->what};
    in.scan_reader = std::move(std::get<0>(scanner));
    in.journal_at = journal_where;
    shared.journal.on = true;
    first_journal = std::make_shared<std::unique_ptr<machine::journal>>(std::move(open_journal));
  }
  // The journal's lock is ours now, so whatever carries our mark was left by an earlier life.
  const auto mark = data_mark(configuration.data_dir);
  const auto my_mark = mark + ":" + protocols::to_string(task_id{epoch, 0}).substr(0, 16);
  machine::process_keeper::options keeping;
  keeping.mark = my_mark;
  keeping.bin_directory = how.bin_directory;
  keeping.adopt = how.adopt_orphans;
  if (!how.without_journal) keeping.report = configuration.data_dir + "/orphans-ended";
  keeping.say = [&shared](const std::string& what) {
    shared.events.publish("worker.keeping", json_object{{"guardian", what}});
  };
  in.keeper = machine::process_keeper::start(keeping);
  if (const auto lacks = in.keeper->lacks(); !lacks.empty())
    shared.events.publish("worker.keeping", json_object{{"lacks", lacks}});
  if (!how.without_journal) {
    in.keeper->count_orphans(machine::read_guardian_report(keeping.report));
    in.keeper->end_earlier();
    for (const auto& left : machine::sweep(my_mark)) {
      in.keeper->count_orphans(1);
      shared.events.publish("worker.swept", json_object{{"pid", left.pid}});
    }
  }

  in.system_config.add_message_types<caf::id_block::greenroom>();
  in.system_config.set("scheduler.policy", caf::atom("sharing"));
  in.system_config.set("scheduler.max-threads", scheduler_threads(configuration, how.threads));
  in.system_config.set("scheduler.max-throughput", configuration.scheduler.max_throughput);
  in.system = std::make_unique<caf::actor_system>(in.system_config);
  try {
    in.io = std::make_unique<machine::engine>(
        configuration.io_threads,
        [system = in.system.get(), most = configuration.scheduler.max_throughput](
            boost::asio::io_context& loop) -> std::unique_ptr<machine::engine::companion> {
          return std::make_unique<actors::io_execution_unit>(*system, loop, most);
        });
    in.io->start();
  } catch (const std::exception& wrong) {
    return failure{"the threads for pipes and sockets cannot be started: "
                   + std::string{wrong.what()}
                   + " (ulimit -n says how many files may be open, ulimit -u how many threads)"};
  }

  const auto bin = how.bin_directory;
  shared.workers.callables = callables;
  shared.workers.make_worker = [io = in.io.get(), bin, callables, keeper = in.keeper, of = &shared,
                                log = &in.log, calls = in.calls, lines = &in.lines,
                                time = shared.clock.source()](
                                   const actors::member& who, std::string_view department,
                                   pool_kind pool, std::shared_ptr<machine::worker_events> events) {
    machine::worker_surroundings where;
    where.io = io;
    where.bin_directory = bin;
    where.node_mark = keeper->mark();
    where.keeper = keeper;
    where.department = department;
    where.pool = protocols::to_string(pool);
    where.output_bytes_max = of->catalogs.now().config.limits.output_bytes;
    where.calls = calls;
    where.log = [log, lines, time, of](std::string_view specialist, std::string_view line) {
      lines->add(specialist, line, time->unix_ms());
      if (*log) actors::run_callback(of->events, "worker_line", [&] { (*log)(specialist, line); });
    };
    const auto found = callables->find(who.config.name);
    return machine::make_worker(
        who.config, where, found == callables->end() ? nullptr : &found->second, std::move(events));
  };
  shared.collapse = [inside_ptr = inside.get()](std::string why) {
    inside_ptr->collapsed = true;
    inside_ptr->shared->events.publish("node.collapsed", json_object{{"why", why}});
  };

  actors::root_plan plan;
  const bool always_warm = configuration.pool.mode == config::pool_mode::baseline;
  const auto serving = always_warm ? pool_kind::baseline : pool_kind::intelligent;
  const auto plain = [] { return runtime::make_lru_policy(); };
  const bool learns = !how.policy && configuration.pool.policy == config::pool_policy::greenroom;
  actors::policy_factory own = plain;
  if (how.policy) own = how.policy;
  if (learns) own = [] { return runtime::make_greenroom_policy(); };
  plan.policies[static_cast<std::size_t>(pool_kind::intelligent)] = own;
  plan.policies[static_cast<std::size_t>(pool_kind::baseline)] = plain;
  plan.predicted = learns;
  plan.predictor_apart = true;
  if (!how.without_journal)
    if (const auto why = shared.forecast.learned.open(configuration.data_dir + "/learned"))
      shared.events.publish("learned.unwritten", json_object{{"why", *why}});
  // The other pool is opened when a rollout begins, or goes on. There everybody is kept warm.
  const auto other = always_warm ? pool_kind::intelligent : pool_kind::baseline;
  plan.later[static_cast<std::size_t>(other)] = true;
  plan.watched = true;
  in.hooks = std::make_unique<machine::webhook>(
      *in.io, machine::webhook_options{},
      [&shared](const std::string& url, const std::string& why) {
        shared.events.publish("webhook.failed", json_object{{"url", url}, {"why", why}});
      });
  plan.post = [hooks = in.hooks.get()](const std::string& url, const std::string& json) {
    hooks->post(url, json);
  };
  plan.probe = actors::probe_through(*in.desk, actors::hand_out<actors::probe_parts>(shared),
                                     probe_patience);
  in.version = GREENROOM_VERSION;
  if (!how.without_journal)
    in.backups = std::make_unique<actors::backups>(
        actors::backup_parts{shared.clock, shared.catalogs, shared.events, shared.forecast,
                             shared.seed},
        actors::backups::surroundings{configuration.data_dir, in.journal_at, in.identity,
                                      in.version});
  in.desk->set_pool(serving);
  if (first_journal) {
    plan.open_journal =
        [first_journal,
         journal_where]() -> machine::journal_result<std::unique_ptr<machine::journal>> {
      if (*first_journal) return std::move(*first_journal);
      return machine::journal::open(journal_where);
    };
  }
  plan.measure = [](int pid) { return machine::measure_process(pid); };
  in.root = in.system->spawn(actors::root, &shared, std::move(plan));
  // CAF leaves the system's logger with the thread that made it, and the system's end waits until
  // nobody holds the logger: a node that is destroyed on another thread would wait for ever.
  caf::logger::set_current_actor_system(nullptr);

  std::unique_ptr<node> result{new node{std::move(inside)}};
  auto& mine = *result->parts_;
  for (const auto& one : unfinished) {
    {
      const std::lock_guard lock{mine.resumed_mutex};
      mine.resumed.insert(protocols::to_string(one.accepted.id));
    }
    // The ledger is as large as it was, so there is room; when the configuration made it smaller,
    // those that do not fit stay in the journal and run after the next start.
    if (!mine.desk->resume(one)) {
      shared.events.publish("journal.resume_incomplete", json_object{});
      break;
    }
  }
  mine.watch = std::thread{[&mine] { mine.run_watch(); }};
  mine.lookups.start();
  mine.link->open(*result);
  return result;
}

// Liveness probes at their interval, and nothing else: a thread that mostly sleeps.
void node::parts::run_watch() {
  std::unique_lock lock{watch_mutex};
  while (!stopping) {
    const auto interval = [this] {
      const actors::catalog_reader::scope reading;
      return shared->catalogs.now().config.health_interval;
    }();
    // Woken before its time: another interval is in force.
    const auto status = watch_bell.wait_for(lock, interval);
    if (!stopping && status == std::cv_status::timeout)
      caf::anon_send(root, protocols::check_workers{});
  }
}

node::~node() {
  if (!parts_) return;
  if (machine::borrowed_thread::in_any())
    mistaken(
        "a node is destroyed inside one of its own callbacks or callables, which would wait for "
        "itself; destroy it on a thread of your own");
  auto& in = *parts_;
  in.link->close();
  in.lookups.stop();
  in.shared->gauge.draining = true;
  in.shared->gauge.closing = true;
  const actors::catalog_reader::scope reading;
  {
    const std::lock_guard lock{in.watch_mutex};
    in.stopping = true;
  }
  in.watch_bell.notify_all();
  if (in.watch.joinable()) in.watch.join();
  in.backups.reset();
  {
    // The journal actor is the last to close it, and copies its log into the file.
    const std::lock_guard lock{in.reader_mutex};
    in.reader.reset();
  }
  {
    const std::lock_guard lock{in.scan_mutex};
    in.scan_reader.reset();
  }
  caf::anon_send_exit(in.root, caf::exit_reason::user_shutdown);
  in.root = nullptr;
  in.system->await_all_actors_done();
  // The actors have left behind what they had learnt. Nobody hears what goes wrong any more.
  static_cast<void>(in.shared->forecast.learned.write());
  // Workers are ended, callables are asked to end.
  for (std::size_t kind = 0; kind < actors::pools; ++kind)
    for (auto& record : in.shared->pools.of(static_cast<pool_kind>(kind)).specialists)
      record.abandon();
  // Callers that are not in the journal would never hear otherwise.
  in.shared->journal.on = false;
  in.shared->ledger.for_each([&](protocols::task_ptr job) {
    if (!job->journaled)
      in.shared->ending.conclude(*job, task_state::failed, protocols::failure::draining,
                                 "the node was stopped", nullptr);
  });
  in.io->stop();
  in.keeper->close();
  // Those who asked may hold what the engine has (a door's streams), and what waits in the engine's
  // loops may hold tasks, which belong to the ledger. So: askers, engine, actors' system, ledger.
  // Callables are waited for in the middle: one may wait for another task, and it hears of that by
  // then, or that nobody will ever tell it; and its own task belongs to the ledger.
  in.hooks.reset();
  in.shared->forget_tasks();
  wait_for_callables();
  in.io.reset();
  in.system.reset();
}

void node::wait_for_callables() const {
  auto patience = std::chrono::seconds{1};
  constexpr std::chrono::seconds patience_most{60};
  while (!parts_->calls->wait_for(patience)) {
    parts_->shared->events.publish(
        "node.waits", json_object{{"for", "callables"}, {"running", parts_->calls->under_way()}});
    patience = std::min(2 * patience, patience_most);
    // One that was just asking for a task when the others were told may wait for its end now.
    parts_->shared->forget_tasks();
  }
}

std::size_t node::drain(std::chrono::milliseconds grace) {
  const actors::catalog_reader::scope reading;
  auto& shared = *parts_->shared;
  shared.gauge.draining = true;
  shared.events.publish("node.draining", json_object{});
  const auto until = std::chrono::steady_clock::now() + grace;
  constexpr std::chrono::milliseconds look{5};
  while (std::chrono::steady_clock::now() < until && shared.gauge.ended() < shared.gauge.accepted())
    std::this_thread::sleep_for(look);
  shared.gauge.closing = true;
  std::size_t left = 0;
  shared.ledger.for_each([&](const protocols::task_ptr& job) {
    if (job->ended()) return;
    if (job->journaled && job->recorded.load(std::memory_order_acquire)) {
      ++left;
      // Whoever waits hears where to ask for it, while there is still a door.
      if (!job->claimed.load(std::memory_order_acquire)) shared.ending.leave(*job);
      return;
    }
    // Nobody will go on with it, so whoever waits is told while there is still a door.
    job->retry_after_ms = retry_elsewhere.count();
    shared.ending.conclude(*job, task_state::failed, protocols::failure::draining,
                           "the node went down before it was done", nullptr);
  });
  return left;
}

std::variant<node::reloaded, node::failure> node::reload(config::node configuration) {
  const actors::catalog_reader::scope reading;
  const std::lock_guard lock{parts_->reload_mutex};
  return reload_locked(std::move(configuration));
}

std::variant<node::reloaded, node::failure> node::tune(const pool_settings& wanted) {
  const actors::catalog_reader::scope reading;
  // Copied only here: a reload in between would be undone.
  const std::lock_guard lock{parts_->reload_mutex};
  auto changed = parts_->shared->catalogs.now().config;
  if (wanted.max_warm) changed.pool.max_warm = *wanted.max_warm;
  if (wanted.cooldown) changed.pool.cooldown = *wanted.cooldown;
  if (wanted.target_memory) changed.pool.target_memory = *wanted.target_memory;
  return reload_locked(std::move(changed));
}

std::variant<node::reloaded, node::failure> node::reload_locked(config::node configuration) {
  auto& in = *parts_;
  const auto& before = in.shared->catalogs.now();
  const auto change = config::compare(before.config, configuration);
  if (!change.needs_restart.empty()) {
    std::string keys;
    for (const auto& key : change.needs_restart) keys += (keys.empty() ? "" : ", ") + key;
    return failure{"these keys need a restart, so nothing was changed: " + keys};
  }
  for (const auto& department : configuration.departments)
    for (const auto& one : department.specialists)
      if (one.backend.kind == config::backend_kind::function && !in.callables->contains(one.name))
        return failure{"no callable is registered for " + one.name};
  // The ledger was made for so many tasks as could be in the node then.
  if (const auto wanted = actors::tasks_at_once(configuration);
      wanted > in.shared->ledger.capacity() && wanted > actors::tasks_at_once(before.config))
    return failure{"queue.total and the specialists' concurrency let " + std::to_string(wanted)
                   + " tasks into the node, and " + std::to_string(in.shared->ledger.capacity())
                   + " have room until a restart; nothing was changed"};
  auto next =
      actors::make_catalog(std::move(configuration), &before, in.is_inline, in.shared->vacant());
  const auto now = next;
  if (!in.shared->replace_catalog(std::move(next)))
    return failure{
        "the node has no room for so many more specialists until a restart; nothing was changed"};
  in.lines.keep([&](std::string_view name) { return now->find(name) != actors::catalog::nobody; });
  reloaded result;
  result.change = config::to_string(change);
  for (std::size_t kind = 0; kind < actors::pools; ++kind)
    for (std::uint32_t who = 0; who < now->members.size(); ++who)
      if (in.shared->pools.runs_old_definition(in.shared->catalogs.now(),
                                               static_cast<pool_kind>(kind), who))
        ++result.workers;
  caf::anon_send(in.root, protocols::settings_changed{});
  in.watch_bell.notify_all();
  in.shared->events.publish("config.reloaded", json_object{{"change", result.change},
                                                           {"workers_to_replace", result.workers}});
  return result;
}

// -- tasks --------------------------------------------------------------------

std::variant<task_id, refusal> node::submit(task_request&& request,
                                            std::shared_ptr<protocols::asker> who) {
  const actors::catalog_reader::scope reading;
  // Only what may be known already needs it.
  if (!request.idempotency_key.empty() && who)
    who = std::make_shared<actors::idempotent_asker>(
        parts_->shared->catalogs, parts_->shared->waiters, std::move(who),
        actors::idempotent_asker::sources{
            [in = parts_.get()](const task_id& id) { return in->find_live(id); },
            [in = parts_.get()](const task_id& id) { return in->find_stored(id); }});
  return parts_->desk->submit(std::move(request), std::move(who));
}

std::variant<task_id, refusal> node::submit(task_request request,
                                            std::function<void(task_view)> done) {
  return submit(std::move(request),
                std::shared_ptr<protocols::asker>{std::make_shared<promised>(
                    parts_->shared->catalogs, parts_->shared->events, std::move(done))});
}

std::variant<task_id, refusal> node::submit(task_request request,
                                            std::shared_ptr<task_listener> who) {
  return submit(std::move(request),
                actors::asker_of(parts_->shared->catalogs, parts_->shared->events, std::move(who)));
}

task_future node::submit(task_request request) {
  if (machine::borrowed_thread::in_callback())
    mistaken(
        "node::submit with a future is called inside a callback or an inline callable; to wait for "
        "the future there keeps the node from doing the task, so use submit with a callback");
  auto promise = std::make_shared<std::promise<task_view>>();
  task_future result{promise->get_future(), {}};
  task_view refused;
  refused.specialist = request.specialist;
  refused.department = request.department;
  refused.urgency = request.urgency;
  auto outcome = submit(std::move(request),
                        [promise](task_view done) { promise->set_value(std::move(done)); });
  if (auto* none = std::get_if<refusal>(&outcome)) {
    refused.state = task_state::failed;
    refused.why = none->why;
    refused.output = std::move(none->detail);
    refused.retry_after = none->retry_after;
    refused.nearest = std::move(none->nearest);
    promise->set_value(std::move(refused));
  } else {
    result.id = std::get<task_id>(outcome);
  }
  return result;
}

protocols::task_ptr node::parts::find_live(const task_id& id) const {
  if (auto job = shared->ledger.find(id)) return job;
  {
    const std::lock_guard lock{resumed_mutex};
    if (!resumed.contains(protocols::to_string(id))) return {};
  }
  protocols::task_ptr found;
  shared->ledger.for_each([&](protocols::task_ptr job) {
    if (job->id == id) found = std::move(job);
  });
  return found;
}

std::optional<machine::stored_task> node::parts::find_stored(const task_id& id) const {
  const std::lock_guard lock{reader_mutex};
  if (!reader) return std::nullopt;
  auto found = reader->find(id);
  auto* stored = std::get_if<0>(&found);
  if (stored == nullptr) return std::nullopt;
  return std::move(*stored);
}

// The cast is read after the number: a task may have been passed on to somebody who is not in an
// older one.
task_names names_of(const actors::node_state& shared, const task& job) {
  const auto who = job.specialist.load(std::memory_order_acquire);
  const auto& playing = shared.catalogs.now();
  return {playing.name_of(who), playing.department_of(who)};
}

bool node::cancel(const task_id& id) {
  const actors::catalog_reader::scope reading;
  const auto job = parts_->find_live(id);
  return job && parts_->desk->cancel(*job);
}

std::optional<task_view> node::find(const task_id& id) const {
  const actors::catalog_reader::scope reading;
  const auto& in = *parts_;
  if (const auto job = in.find_live(id)) {
    const auto names = names_of(*in.shared, *job);
    return view_of(*job, names.specialist, names.department);
  }
  if (const auto stored = in.find_stored(id)) return view_of(*stored);
  return std::nullopt;
}

// -- by hand ------------------------------------------------------------------

std::optional<refusal> node::warm(std::string_view specialist) {
  const actors::catalog_reader::scope reading;
  auto found = parts_->desk->find(specialist);
  if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
  caf::anon_send(parts_->root, protocols::warm_by_hand{std::get<0>(found)});
  return std::nullopt;
}

std::optional<refusal> node::cool(std::string_view specialist) {
  const actors::catalog_reader::scope reading;
  auto found = parts_->desk->find(specialist);
  if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
  caf::anon_send(parts_->root, protocols::cool_by_hand{std::get<0>(found)});
  return std::nullopt;
}

std::string node::identity() const { return parts_->identity; }

config::node node::configuration() const {
  const actors::catalog_reader::scope reading;
  return parts_->shared->catalogs.now().config;
}

std::vector<event> node::events_after(std::uint64_t after) const {
  std::vector<event> result;
  for (const auto& one : parts_->shared->events.after(after)) result.push_back(one);
  return result;
}

actors::event_range node::shared_events(std::uint64_t after, std::size_t bytes_max) const {
  return parts_->shared->events.after(after, bytes_max);
}

std::pair<std::uint64_t, std::uint64_t> node::event_numbers() const {
  return parts_->shared->events.kept_numbers();
}

std::shared_ptr<void> node::on_event(std::function<void(const event&)> hear) {
  return parts_->shared->events.subscribe([hear = std::move(hear)](const event& what) {
    const machine::borrowed_thread here{machine::borrowed_thread::kind::callback};
    hear(what);
  });
}

}  // namespace greenroom
