// A department's slots: what it tells its director, and what it makes of grants, recalls and the
// news of its workers.
#include "actors/department.hpp"

#include "actors/text.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::slot_grant, protocols::slot_news, protocols::slot_recall;
using protocols::worker_news;

namespace {

constexpr std::int64_t flush_period_ns = 50'000'000;
constexpr std::int64_t moments = 5;  // Of a period, so that not all report at once.

}  // namespace

void department::tell_director(entry& one, slot_news::kind what, std::int64_t load_ns) {
  send(director_, slot_news{one.index, what, load_ns / 1'000'000});
}

bool department::may_list(entry& one, std::int64_t at_ns) {
  const auto every_ns = one.unlisted < many_unlisted ? arrival_every_ns : arrival_of_many_every_ns;
  const auto more = (at_ns - one.listable_ns) / every_ns;
  if (more > 0) {
    one.listable =
        static_cast<std::uint32_t>(std::min<std::int64_t>(one.listable + more, arrivals_at_once));
    one.listable_ns = at_ns;
  }
  if (one.listable == 0) {
    ++one.unlisted;
    return false;
  }
  --one.listable;
  one.unlisted = 0;
  return true;
}

void department::mark(entry& one) {
  if (!std::exchange(one.dirty, true))
    dirty_.push_back(static_cast<std::uint32_t>(&one - entries_.data()));
  if (std::exchange(flush_armed_, true)) return;
  const auto now = now_ns();
  const auto own_ns = static_cast<std::int64_t>(index_) % moments * (flush_period_ns / moments);
  const auto due_ns = now + flush_period_ns - (now - own_ns) % flush_period_ns;
  stand_.wake_at_ns.store(due_ns, std::memory_order_seq_cst);
  if (house_.bridge_ticks.load(std::memory_order_seq_cst)) return;
  stand_.wake_at_ns.store(0, std::memory_order_relaxed);
  delayed_send(this, std::chrono::nanoseconds{due_ns - now}, protocols::report_atom::value);
}

void department::flush() {
  flush_armed_ = false;
  for (const auto place : dirty_) {
    auto& one = entries_[place];
    one.dirty = false;
    const auto tasks = static_cast<std::uint32_t>(one.line.size() + one.hands.size());
    batch_.changed.push_back({one.index, tasks, tasks > 0 ? 0 : house_.unix_us(one.idle_since_ns)});
  }
  dirty_.clear();
  protocols::usage_batch full;
  full.department = index_;
  std::swap(full, batch_);
  send(director_, std::move(full));
}

void department::grant(const slot_grant& slot) {
  auto& one = entry_of(slot.specialist);
  const bool for_demand = one.asked;
  one.asked = false;
  const bool useless = for_demand && one.line.empty()
                       && slot.why == static_cast<std::uint8_t>(runtime::reason::demand);
  if (one.now != life::cold || !one.hired || useless || one.not_before_ns > now_ns()
      || member_of(one).gone || house_.gauge.closing) {
    tell_director(one, one.now == life::cold ? slot_news::kind::released : slot_news::kind::kept);
    if (one.now == life::cold) pump(one);
    return;
  }
  tell_director(one, slot_news::kind::warming);
  if (one.at_once != nullptr) {
    machine::count(stand_of(one).gauge.starts);
    show(one, machine::worker_state::warm);
    became_warm(one, 0);
    return;
  }
  one.now = life::warming;
  send(actor_of(one), protocols::warm_up_atom::value);
}

void department::recall(const slot_recall& slot) {
  auto& one = entry_of(slot.specialist);
  if (one.now != life::warm || !one.line.empty() || !one.hands.empty()) {
    tell_director(one, one.now == life::cold ? slot_news::kind::released : slot_news::kind::kept);
    return;
  }
  if (one.at_once != nullptr) {
    rest_cold(one);
    return;
  }
  one.now = life::cooling;
  tell_director(one, slot_news::kind::cooling);
  send(actor_of(one), protocols::cool_atom::value);
}

// A callable has no worker that would have to end first.
void department::rest_cold(entry& one) {
  one.now = life::cold;
  show(one, machine::worker_state::cold);
  tell_director(one, slot_news::kind::released);
  house_.publish("specialist.cold",
                 "{\"specialist\":" + json_text(member_of(one).config.name) + "}");
}

void department::became_warm(entry& one, std::int64_t start_ns) {
  one.now = life::warm;
  one.failed_starts = 0;
  stand_of(one).failed_starts.store(0, std::memory_order_relaxed);
  one.wanted_since_ns = 0;
  one.idle_since_ns = now_ns();
  tell_director(one, slot_news::kind::warm, start_ns);
  house_.publish("specialist.warm", "{\"specialist\":" + json_text(member_of(one).config.name)
                                        + ",\"start_ms\":" + std::to_string(start_ns / 1'000'000)
                                        + "}");
  mark(one);
  pump(one);
}

bool department::keeps_slot(const entry& one) {
  const bool waited_for =
      !one.line.empty() || std::ranges::any_of(retries_, [&](const retry& later) {
        return later.job->specialist == one.index
               && !later.job->claimed.load(std::memory_order_acquire);
      });
  return waited_for && !house_.gauge.closing && one.hired && actor_of(one) && !member_of(one).gone
         && !leaving() && one.breaker.is_closed();
}

void department::hear(const worker_news& news) {
  auto& one = entry_of(news.specialist);
  const auto& who = member_of(one);
  if (news.what == worker_news::kind::ready) {
    if (one.now == life::warming) became_warm(one, news.start_ns);
    return;
  }
  if (!news.asked) {
    constexpr std::size_t kept_bytes = 1024;
    stand_of(one).last_error.write(
        [&](std::string& last) { last = clipped(news.why, kept_bytes); });
    if (news.before_ready) ++stand_of(one).failed_starts;
  }
  if (!news.asked && !news.before_ready && keeps_slot(one)) {
    // A slot is a task's own from when it waits until it is done, also when its worker dies.
    house_.publish("worker.died", "{\"specialist\":" + json_text(who.config.name)
                                      + ",\"why\":" + json_text(news.why) + "}");
    one.now = life::warming;
    tell_director(one, slot_news::kind::warming);
    send(actor_of(one), protocols::warm_up_atom::value);
    mark(one);
    return;
  }
  one.now = life::cold;
  tell_director(one, slot_news::kind::released);
  if (!news.asked) {
    const auto& config = house_.now_playing().config;
    const runtime::backoff waits{config.retry.base, config.retry.max, config.retry.jitter};
    ++one.failed_starts;
    if (news.before_ready) judge(one, false);
    // A worker that was up and died is replaced at once; one that dies again and again is not.
    if (news.before_ready || one.failed_starts > 1)
      one.not_before_ns = now_ns() + waits.delay(one.failed_starts, chance()).count();
    house_.publish(
        news.before_ready ? "worker.start_failed" : "worker.died",
        "{\"specialist\":" + json_text(who.config.name) + ",\"why\":" + json_text(news.why) + "}");
    if (news.before_ready && one.failed_starts >= config.retry.max_attempts) {
      one.failed_starts = 0;
      stand_of(one).gauge.state.store(machine::worker_state::failed, std::memory_order_relaxed);
      fail_waiting(one, failure::start_failed,
                   "the worker of " + who.config.name + " could not be started: " + news.why);
    }
  } else {
    house_.publish("specialist.cold", "{\"specialist\":" + json_text(who.config.name) + "}");
  }
  mark(one);
  pump(one);
}

}  // namespace greenroom::actors
