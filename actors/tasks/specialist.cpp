#include "actors/tasks/specialist.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::string_view left_alone = "its pool was left while it ran";

bool is_claimed(const protocols::task_ptr& job) {
  return job->claimed.load(std::memory_order_relaxed);
}

/// Whether nobody knows what became of it: that is for its department to say.
bool lost(const protocols::task& job) {
  return job.effects == protocols::side_effects::unsafe
         && job.result.why == protocols::failure::worker_failed && !job.result.answered;
}

}  // namespace

using machine::specialist_gauge;
using protocols::failure, protocols::task_phase;
using protocols::task_ptr, protocols::task_state, protocols::worker_news;

specialist::specialist(caf::actor_config& cfg, const specialist_parts& parts, std::uint32_t index,
                       protocols::pool_kind pool, caf::actor department)
    : draining_actor{cfg},
      parts_{parts},
      index_{index},
      pool_{pool},
      department_{std::move(department)},
      record_{parts.pools.of(pool).specialists[index]},
      above_{parts.pools.of(pool).departments[parts.catalogs.now().members[index].department]} {}

specialist::~specialist() = default;

// -- tasks --------------------------------------------------------------------

void specialist::drain() {
  do {
    const auto signals = record_.port.take_signals();
    for (auto* at = record_.port.take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      auto job = task_ptr::adopt(at);
      if (job->phase == task_phase::attempted)
        finish(std::move(job));
      else
        take(std::move(job));
      at = after;
    }
    if ((signals & worker_link::pong_bit) != 0) ping_unanswered_ = false;
    if ((signals & worker_link::ready_bit) != 0) became_ready();
    // Last: results that came before it have been taken above.
    if ((signals & worker_link::gone_bit) != 0) worker_gone();
  } while (!record_.port.try_sleep());
}

void specialist::take(task_ptr job) {
  if (job->ended() || job->claimed.load(std::memory_order_relaxed))
    give_back(std::move(job), task_phase::over);
  else if (state_ != worker_state::warm)
    give_back(std::move(job), task_phase::returned);
  else if (running_.size() < me().width)
    run(std::move(job));
  else
    next_.push_back(std::move(job));
}

void specialist::run(task_ptr job) {
  fencing_ = false;
  job->dispatched_ns = now_ns();
  ++job->attempts;
  auto expected = task_state::queued;
  job->state.compare_exchange_strong(expected, task_state::running, std::memory_order_acq_rel);
  running_.push_back(job);
  record_.gauge.running.store(static_cast<std::uint32_t>(running_.size()),
                              std::memory_order_relaxed);
  if (running_.size() == 1) show(worker_state::busy);
  record_.worker->run(std::move(job));
}

void specialist::finish(task_ptr job) {
  const auto at = std::ranges::find(running_, job);
  if (at == running_.end()) return;  // A worker that answers twice.
  *at = std::move(running_.back());
  running_.pop_back();
  record_.gauge.running.store(static_cast<std::uint32_t>(running_.size()),
                              std::memory_order_relaxed);
  auto& result = job->result;
  if (result.why == failure::none) {
    // Looking at the clock is dear enough to do it once a task.
    const auto ended = parts_.ending.conclude(*job, task_state::completed, failure::none,
                                              std::move(result.output), context())
                           ? job->ended_ns
                           : now_ns();
    record_.gauge.learn_run(std::max<std::int64_t>(ended - job->dispatched_ns, 1));
    give_back(job, task_phase::over);
  } else if (fencing_ && result.why == failure::cancelled) {
    // It let go before it was taken away from it.
    result = {failure::worker_failed, true, std::string{left_alone}};
    give_back(job, task_phase::attempted);
  } else if (!result.retryable && !lost(*job)) {
    parts_.ending.conclude(*job, task_state::failed, result.why, std::move(result.output),
                           context());
    give_back(job, task_phase::over);
  } else {
    give_back(job, task_phase::attempted);
  }
  // The next one is given only now, so that the answer has left before more work begins.
  while (state_ == worker_state::warm && !next_.empty() && running_.size() < me().width) {
    auto ahead = std::move(next_.front());
    next_.erase(next_.begin());
    take(std::move(ahead));
  }
  if (running_.empty() && state_ == worker_state::warm) show(worker_state::warm);
  if (overdue_since_ns_ != 0 && !std::ranges::any_of(running_, is_claimed)) overdue_since_ns_ = 0;
}

void specialist::give_back(task_ptr job, task_phase phase) {
  job->phase = phase;
  above_.port.push(std::move(job), context());
}

// -- the worker ---------------------------------------------------------------

void specialist::warm_up() {
  if (state_ != worker_state::cold) return;
  state_ = worker_state::warming;
  fencing_ = false;
  show(worker_state::warming);
  start_begun_ns_ = now_ns();
  ping_unanswered_ = false;
  machine::count(record_.gauge.starts);
  const auto& cast = parts_.catalogs.now();
  record_.definition.store(cast.definitions[index_], std::memory_order_relaxed);
  const auto& limits = cast.config.limits;
  worker_link::tool_listener tools;
  if (decided_by_tool(me().config.backend))
    tools = [offers = &parts_.offers, index = index_, from = me().config.backend](auto listed) {
      offers->learn(index, from, std::move(listed));
    };
  record_.link =
      std::make_shared<worker_link>(record_.port, record_.gauge, std::move(tools),
                                    worker_link::bounds{limits.output_bytes, limits.error_bytes});
  record_.worker = parts_.workers.make_worker(cast.members[index_], cast.department_of(index_),
                                              pool_, record_.link);
  record_.worker->start();
}

void specialist::became_ready() {
  if (state_ != worker_state::warming) return;
  state_ = worker_state::warm;
  const auto took = now_ns() - start_begun_ns_;
  specialist_gauge::learn(record_.gauge.start_ns, std::max<std::int64_t>(took, 1));
  record_.gauge.pid.store(record_.worker->pid(), std::memory_order_relaxed);
  show(worker_state::warm);
  tell({index_, worker_news::kind::ready, took, false, false, {}});
}

void specialist::cool() {
  if (state_ != worker_state::warm && state_ != worker_state::warming) return;
  state_ = worker_state::cooling;
  show(worker_state::cooling);
  for (auto& job : std::exchange(next_, {})) give_back(std::move(job), task_phase::returned);
  record_.worker->stop(me().config.backend.stop_timeout);
}

void specialist::worker_gone() {
  if (!record_.link) return;
  const auto words = record_.link->last_words();
  record_.link->cut();
  record_.worker.reset();
  record_.link.reset();
  if (!words.asked) machine::count(record_.gauge.crashes);
  state_ = worker_state::cold;
  overdue_since_ns_ = 0;
  record_.definition.store(0, std::memory_order_relaxed);
  record_.gauge.pid.store(0, std::memory_order_relaxed);
  record_.gauge.running.store(0, std::memory_order_relaxed);
  record_.gauge.memory_bytes.store(0, std::memory_order_relaxed);
  show(worker_state::cold);
  for (auto& job : std::exchange(running_, {})) {
    job->result = {failure::worker_failed, true, "the worker " + words.why};
    give_back(std::move(job), task_phase::attempted);
  }
  for (auto& job : std::exchange(next_, {})) give_back(std::move(job), task_phase::returned);
  tell({index_, worker_news::kind::gone, 0, words.asked, words.before_ready, words.why});
}

// A worker that goes on with something nobody waits for holds its slot. It is told when its
// protocol has a word for that, and has as long as it has to stop to answer that, or anything: one
// that does neither is stopped, unless it works for others.
void specialist::drop_ended() {
  std::uint32_t ended = 0;
  for (const auto& job : running_)
    if (is_claimed(job)) {
      ++ended;
      record_.worker->cancel(job);
    }
  for (auto at = next_.begin(); at != next_.end();) {
    if (!(*at)->claimed.load(std::memory_order_relaxed)) {
      ++at;
      continue;
    }
    give_back(std::move(*at), task_phase::over);
    at = next_.erase(at);
  }
  if (ended == 0) overdue_since_ns_ = 0;
  if (ended == 0 || state_ != worker_state::warm) return;
  const auto patience = me().config.backend.stop_timeout;
  if (overdue_since_ns_ == 0) {
    overdue_since_ns_ = now_ns();
    delayed_send(this, patience, protocols::drop_atom::value);
  }
  if (ended == running_.size()
      && now_ns() - overdue_since_ns_ >= std::chrono::nanoseconds{patience}.count())
    cool();
}

// Its pool is being left: what it holds ahead goes back, and with a fence what runs is taken away
// from its worker, which cannot answer it any more. A worker that has to be stopped for that is.
void specialist::leave(bool fence) {
  for (auto& job : std::exchange(next_, {})) give_back(std::move(job), task_phase::returned);
  if (!fence || running_.empty()
      || (state_ != worker_state::warm && state_ != worker_state::cooling))
    return;
  fencing_ = true;
  for (auto at = running_.begin(); at != running_.end();) {
    if (!record_.worker->forget(*at)) {
      ++at;
      continue;
    }
    auto job = std::move(*at);
    at = running_.erase(at);
    job->result = {failure::worker_failed, true, std::string{left_alone}};
    give_back(std::move(job), task_phase::attempted);
  }
  record_.gauge.running.store(static_cast<std::uint32_t>(running_.size()),
                              std::memory_order_relaxed);
  if (running_.empty()) {
    if (state_ == worker_state::warm) show(worker_state::warm);
    return;
  }
  state_ = worker_state::cooling;
  show(worker_state::cooling);
  record_.worker->stop(std::chrono::milliseconds{0});
}

void specialist::check() {
  if (state_ != worker_state::warm || !running_.empty()) return;
  if (std::exchange(ping_unanswered_, true)) {
    parts_.events.publish("worker.silent", "{\"specialist\":\"" + me().config.name + "\"}");
    cool();
    return;
  }
  record_.worker->ping();
}

void specialist::tell(worker_news news) { send(department_, std::move(news)); }

void specialist::show(worker_state state) {
  record_.gauge.state.store(state, std::memory_order_relaxed);
}

// -- behaviour ----------------------------------------------------------------

caf::behavior specialist::make_behavior() {
  parts_.unexpected.watch(this);
  record_.port.attach(caf::strong_actor_ptr{ctrl()});
  record_.port.take_over();
  drain();
  return {
      [this](protocols::warm_up_atom) { warm_up(); },
      [this](protocols::cool_atom) { cool(); },
      [this](protocols::drop_atom) { drop_ended(); },
      [this](protocols::check_atom) { check(); },
      [this](protocols::switch_atom, bool fence) { leave(fence); },
  };
}

// Its department has a list of what was in its hands, and lets go of the worker.
void specialist::on_exit() {
  department_ = nullptr;
  running_.clear();
  next_.clear();
}

}  // namespace greenroom::actors
