#include "apps/chaos/injector.hpp"

#include "actors/node/parts.hpp"
#include "apps/chaos/kill_actor.hpp"
#include "runtime/machine/process/process_tree.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <utility>

namespace greenroom::apps {
namespace {

namespace chaos = runtime::chaos;
using chaos::fault_kind, chaos::role;
using nlohmann::json;

/// A fault that finds no running worker for this long is omitted.
constexpr double looking_s = 2;
/// The event about a killed actor arrives within this time, or the actor was already dead.
constexpr double loss_heard_s = 1;
constexpr double probe_every_s = 0.1;
constexpr std::size_t probes_open_max = 3;

std::chrono::milliseconds in_ms(double seconds) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1e3)};
}

/// The name in the node's events.
std::string event_name(role of) {
  if (of == role::pool) return "intelligent pool";
  if (of == role::memory_sampler) return "memory sampler";
  return std::string{to_string(of)};
}

/// The process id may have been reused: check that the process is a child of this one.
bool is_our_child(int pid) {
  const auto about = machine::stat_of_process(pid);
  return about.parent == ::getpid() && about.state != 'Z';
}

wire_lease::kind lease_kind(fault_kind what) {
  switch (what) {
    case fault_kind::slow_worker: return wire_lease::kind::slow;
    case fault_kind::garble_worker: return wire_lease::kind::garble;
    case fault_kind::cut_worker: return wire_lease::kind::cut;
    case fault_kind::swell_worker: return wire_lease::kind::swell;
    default: return wire_lease::kind::none;
  }
}

}  // namespace

injector::injector(node& to, const chaos_job& job, std::shared_ptr<chaos_books> books,
                   stress& traffic, lease_board& leases)
    : node_{to}, job_{job}, books_{std::move(books)}, traffic_{traffic}, leases_{leases} {
  for (const auto& one : job.schedule) {
    entry fresh;
    fresh.out.what = one;
    fresh.target = one.target;
    entries_.push_back(std::move(fresh));
  }
  budget_mb_ = job.configuration.pool.memory_budget_mb;
  listening_ = node_.on_event([this](const event& what) {
    if (what.kind != "actor.lost" && what.kind != "actor.back" && what.kind != "node.collapsed")
      return;
    const std::lock_guard lock{events_guard_};
    events_.push_back(what);
  });
}

injector::~injector() { stop(); }

void injector::stop() {
  listening_.reset();
  next_ = entries_.size();
  waiting_ = 0;
  for (auto& one : entries_)
    if (one.now == stage::lasting) end(one, books_->now_s());
}

// -- events -------------------------------------------------------------------

void injector::apply_event(const event& what) {
  if (what.kind == "node.collapsed") {
    collapsed_ = true;
    return;
  }
  const auto fields = json::parse(what.json, nullptr, false);
  if (!fields.is_object()) return;
  const auto actor = fields.value("actor", "");
  const auto department = fields.value("department", "");
  const auto specialist = fields.value("specialist", "");
  const auto now = books_->now_s();
  const bool lost = what.kind == "actor.lost";
  for (auto& one : entries_) {
    if (one.out.what.what != fault_kind::kill_actor || one.now != stage::over) continue;
    const auto who = one.out.what.who;
    const auto& theirs = job_.cast.departments[job_.cast.shape.department[one.target]];
    const bool is_target = who == role::specialist   ? specialist == job_.cast.names[one.target]
                           : who == role::department ? department == theirs
                                                     : !actor.empty() && actor == event_name(who);
    // A new pool also has a new director and new departments.
    const bool within = !lost && actor == event_name(role::pool)
                        && (who == role::director || who == role::department);
    if (!is_target && !within) continue;
    if (lost) {
      one.awaits_loss = false;
      continue;
    }
    if (one.awaits_loss) continue;
    const std::lock_guard lock{books_->guard};
    books_->recovery.back(one.out.what.number, now);
  }
}

// -- faults -------------------------------------------------------------------

void injector::omit(entry& one, std::string why) {
  if (one.now == stage::looking) --waiting_;
  one.now = stage::omitted;
  one.out.omitted = std::move(why);
}

std::uint32_t injector::find_running(const entry& one, int& pid) const {
  const auto& cast = job_.cast;
  const auto views = node_.specialists();
  const auto count = static_cast<std::uint32_t>(cast.names.size());
  const auto tries = one.out.what.exactly ? 1U : count;
  for (std::uint32_t i = 0; i < tries; ++i) {
    const auto who = (one.out.what.target + i) % count;
    if (!cast.shape.is_process[who] || who >= views.size()) continue;
    const auto& view = views[who];
    const bool up = is_up(view.state);
    // A worker has at most one lasting fault at a time.
    bool busy = false;
    for (const auto& other : entries_)
      busy = busy || (other.now == stage::lasting && other.target == who);
    if (!up || busy || view.pid <= 0 || !is_our_child(view.pid)) continue;
    pid = view.pid;
    return who;
  }
  return chaos_books::no_specialist;
}

void injector::begin(entry& one, double now) {
  const auto kind = one.out.what.what;
  const bool at_worker = kind == fault_kind::kill_worker || kind == fault_kind::freeze_worker
                         || lease_kind(kind) != wire_lease::kind::none;
  if (!at_worker) {
    begin_at(one, one.out.what.target, now);
    return;
  }
  const auto target = find_running(one, one.pid);
  if (target != chaos_books::no_specialist) {
    begin_at(one, target, now);
    return;
  }
  if (one.now == stage::scheduled) {
    one.now = stage::looking;
    ++waiting_;
    one.given_up_s = now + looking_s;
    // A cascade skips workers that are not running instead of waiting for them.
    if (one.out.what.of_cascade) omit(one, "its worker was not running");
  } else if (now >= one.given_up_s) {
    omit(one, "no worker was running");
  }
}

void injector::begin_at(entry& one, std::uint32_t target, double now) {
  if (one.now == stage::looking) --waiting_;
  const auto& what = one.out.what;
  one.target = target;
  one.out.happened_to = job_.cast.names[target];
  const bool budgeted = job_.configuration.pool.memory_budget_mb > 0;
  chaos::evidence needs;
  if (what.what == fault_kind::swell_worker) needs.within = budgeted;
  if (what.what == fault_kind::lower_budget) needs.within = true;
  if (what.what == fault_kind::kill_actor) needs.back = what.who != role::specialist;
  {
    const std::lock_guard lock{books_->guard};
    books_->recovery.begin(what.number, target, needs, now);
  }
  one.now = chaos::lasts(what.what) ? stage::lasting : stage::over;
  one.ends_s = now + what.for_s;
  one.out.carried_out = true;
  ++begun_;
  const auto lasts = in_ms(what.for_s);
  const auto by = in_ms(what.amount);
  switch (what.what) {
    case fault_kind::kill_worker: ::kill(-one.pid, SIGKILL); break;
    case fault_kind::freeze_worker: ::kill(-one.pid, SIGSTOP); break;
    case fault_kind::kill_actor: kill_actor(one, now); break;
    case fault_kind::slow_worker:
    case fault_kind::garble_worker:
    case fault_kind::cut_worker:
    case fault_kind::swell_worker: {
      auto& lease = leases_.at(target);
      const auto amount = what.what == fault_kind::slow_worker ? what.amount * 1e3 : what.amount;
      lease.amount.store(static_cast<std::uint32_t>(amount), std::memory_order_relaxed);
      lease.what.store(lease_kind(what.what), std::memory_order_relaxed);
      lease.until_ns.store(monotonic_ns() + static_cast<std::int64_t>(what.for_s * 1e9),
                           std::memory_order_release);
      break;
    }
    case fault_kind::lower_budget: set_budget(what.amount); break;
    case fault_kind::cloud_down: job_.cloud->lease(tcp_wire::fault::down, lasts, by); break;
    case fault_kind::cloud_silent: job_.cloud->lease(tcp_wire::fault::silent, lasts, by); break;
    case fault_kind::cloud_slow: job_.cloud->lease(tcp_wire::fault::slow, lasts, by); break;
    case fault_kind::cascade: break;
  }
  if (one.now == stage::over) {
    const std::lock_guard lock{books_->guard};
    books_->recovery.end(what.number, now);
  }
}

void injector::kill_actor(entry& one, double now) {
  const auto who = one.out.what.who;
  one.awaits_loss = true;
  one.given_up_s = now + loss_heard_s;
  std::string which;
  if (who == role::department)
    which = " " + job_.cast.departments[job_.cast.shape.department[one.target]];
  if (who == role::specialist) which = " " + job_.cast.names[one.target];
  one.out.happened_to = std::string{to_string(who)} + which;
  auto& inside = node_.inside();
  // One that a reload has taken out has no actor either.
  static_cast<void>(apps::kill_actor(inside.root, *inside.state, one.out.happened_to));
}

void injector::set_budget(double mb) {
  auto changed = job_.configuration;
  changed.pool.memory_budget_mb = mb;
  static_cast<void>(node_.reload(std::move(changed)));
  budget_mb_ = mb;
}

void injector::end(entry& one, double now) {
  one.now = stage::over;
  switch (one.out.what.what) {
    case fault_kind::freeze_worker:
      if (is_our_child(one.pid)) ::kill(-one.pid, SIGCONT);
      break;
    case fault_kind::lower_budget: set_budget(job_.configuration.pool.memory_budget_mb); break;
    case fault_kind::cloud_down:
    case fault_kind::cloud_silent:
    case fault_kind::cloud_slow: job_.cloud->lease(tcp_wire::fault::none, {}, {}); break;
    case fault_kind::slow_worker:
    case fault_kind::garble_worker:
    case fault_kind::cut_worker:
    case fault_kind::swell_worker: leases_.at(one.target).until_ns.store(0); break;
    default: break;
  }
  const std::lock_guard lock{books_->guard};
  books_->recovery.end(one.out.what.number, now);
}

// -- time ---------------------------------------------------------------------

void injector::probe(entry& one, double now) {
  const auto number = one.out.what.number;
  const std::size_t key = number * 2 + (one.now == stage::over ? 1 : 0);
  {
    const std::lock_guard lock{books_->guard};
    const auto* state = books_->recovery.find(number);
    if (state == nullptr || (one.now == stage::over ? state->answered_s : state->served_s) >= 0)
      return;
    if (books_->probes_open[key] >= probes_open_max) return;
  }
  // The first probe after a change of stage is sent at once.
  const auto due = one.probed_s < 0 ? now : one.probed_s + probe_every_s;
  if (now < due) return;
  one.probed_s = now;
  const bool durable =
      one.out.what.what == fault_kind::kill_actor && one.out.what.who == role::journal;
  traffic_.probe(one.target, durable, key);
}

void injector::tick() {
  const auto now = books_->now_s();
  std::vector<event> events;
  {
    const std::lock_guard lock{events_guard_};
    events.swap(events_);
  }
  for (const auto& what : events) apply_event(what);
  while (next_ < entries_.size() && entries_[next_].out.what.at_s <= now)
    begin(entries_[next_++], now);
  for (std::size_t i = 0; i < next_ && i < entries_.size(); ++i) {
    auto& one = entries_[i];
    if (one.now == stage::looking) begin(one, now);
    if (one.now == stage::lasting && now >= one.ends_s) {
      end(one, books_->now_s());
      one.probed_s = -1;
    }
    if (one.now != stage::lasting && one.now != stage::over) continue;
    if (one.awaits_loss && now >= one.given_up_s) {
      // The actor was already being replaced, so the kill had no effect.
      one.awaits_loss = false;
      one.out.carried_out = false;
      --begun_;
      omit(one, "it did not live");
      const std::lock_guard lock{books_->guard};
      books_->recovery.forget(one.out.what.number);
      continue;
    }
    if (one.reported) continue;
    probe(one, now);
    const chaos::recovery* state = nullptr;
    {
      const std::lock_guard lock{books_->guard};
      state = books_->recovery.find(one.out.what.number);
      if (state != nullptr && !one.awaits_loss && state->recovery_s()) {
        one.out.recovery = *state;
        one.reported = true;
      }
    }
    if (one.reported && job_.on_recovery) job_.on_recovery(one.out, now);
  }
}

std::vector<fault_outcome> injector::outcomes() const {
  std::vector<fault_outcome> result;
  const std::lock_guard lock{books_->guard};
  for (const auto& one : entries_) {
    result.push_back(one.out);
    if (const auto* state = books_->recovery.find(one.out.what.number))
      result.back().recovery = *state;
  }
  return result;
}

}  // namespace greenroom::apps
