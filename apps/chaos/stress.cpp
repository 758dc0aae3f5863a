#include "apps/chaos/stress.hpp"

#include "apps/client/seconds.hpp"
#include "runtime/load/arrivals.hpp"

#include <thread>
#include <utility>

namespace greenroom::apps {
namespace {

namespace load = runtime::load;
using steady = std::chrono::steady_clock;

load::arrival_plan arrivals_of(const config::chaos_plan& from) {
  load::arrival_plan plan;
  plan.kind = static_cast<load::arrival_kind>(from.load.arrival);
  plan.duration_s = seconds_of(from.duration);
  plan.rate = from.load.rate;
  plan.peak = from.load.peak;
  plan.spike_at_s = seconds_of(from.load.spike_at);
  plan.spike_s = seconds_of(from.load.spike_for);
  return plan;
}

protocols::priority urgency_of(const std::string& word) {
  if (word == "high") return protocols::priority::high;
  return word == "low" ? protocols::priority::low : protocols::priority::normal;
}

/// A reason without names and numbers, so that equal failures are counted together.
std::string reason_of(const task_view& view) {
  switch (view.why) {
    case protocols::failure::worker_failed: return "the worker failed, and retries were used up";
    case protocols::failure::start_failed: return "the worker could not be started";
    case protocols::failure::out_of_time: return "out of time";
    case protocols::failure::unknown_end: return "unknown end";
    case protocols::failure::refused: return "the worker refused it";
    default: return view.output.substr(0, 80);
  }
}

}  // namespace

// -- books --------------------------------------------------------------------

chaos_books::chaos_books(const cast_list& cast) {
  for (std::uint32_t i = 0; i < cast.names.size(); ++i) index_.emplace(cast.names[i], i);
}

double chaos_books::now_s() const {
  return std::chrono::duration<double>{steady::now() - begin_}.count();
}

chaos_books::sent chaos_books::open(std::uint32_t specialist, bool probe, bool durable,
                                    std::size_t for_fault) {
  sent one;
  one.asked = specialist;
  one.probe = probe;
  one.durable = durable;
  one.for_fault = for_fault;
  const std::lock_guard lock{guard};
  one.ticket = answers.open();
  ++(probe ? probes : asked);
  if (probe) ++probes_open[for_fault];
  one.at_s = now_s();
  return one;
}

void chaos_books::submitted(const sent& one,
                            const base::expected<protocols::task_id, refusal>& how) {
  const std::lock_guard lock{guard};
  if (how) {
    answers.accepted(one.ticket);
    return;
  }
  answers.refused(one.ticket);
  if (one.probe) {
    --probes_open[one.for_fault];
    return;
  }
  ++refused;
  const auto& why = how.error();
  switch (why.why) {
    case protocols::failure::circuit_open: ++reasons["refused: circuit open"]; break;
    case protocols::failure::queue_full: ++reasons["refused: queue full"]; break;
    case protocols::failure::deadline_unreachable:
      ++reasons["refused: it would end after its deadline"];
      break;
    default: ++reasons["refused: " + why.detail.substr(0, 80)];
  }
}

void chaos_books::ended(const sent& one, const task_view& view) {
  const std::lock_guard lock{guard};
  if (!answers.answered(one.ticket)) return;
  if (one.probe) --probes_open[one.for_fault];
  if (one.durable && journaled.size() < journaled_max) journaled.emplace_back(view.id, view.state);
  if (view.state != protocols::task_state::completed) {
    if (one.probe) return;
    ++failed;
    ++reasons[reason_of(view)];
    return;
  }
  const auto now = now_s();
  const auto found = index_.find(view.specialist);
  const auto by = found == index_.end() ? no_specialist : found->second;
  recovery.success(one.asked == no_specialist ? by : one.asked, by, one.at_s, now);
  if (one.probe) return;
  ++completed;
  if (one.asked != no_specialist && one.asked != by) ++by_fallback;
  latency.add(static_cast<std::int64_t>((now - one.at_s) * 1e9));
}

// -- traffic ------------------------------------------------------------------

stress::stress(node& to, const chaos_job& job, std::shared_ptr<chaos_books> books)
    : node_{to}, job_{job}, books_{std::move(books)} {
  std::vector<double> weights;
  const auto index = [&](const std::string& name) {
    for (std::uint32_t i = 0; i < job.cast.names.size(); ++i)
      if (job.cast.names[i] == name) return i;
    return chaos_books::no_specialist;
  };
  for (const auto& from : job.plan.load.mix) {
    part one;
    one.department = from.department;
    one.command = from.command;
    one.input = from.input;
    one.urgency = urgency_of(from.priority);
    if (!from.cast) {
      if (!from.specialist.empty()) one.specialist = index(from.specialist);
      weights.push_back(from.weight);
      parts_.push_back(std::move(one));
      continue;
    }
    // Zipf's law divides the part's weight over the cast.
    const auto shares = load::zipf_weights(job.cast.names.size(), from.zipf);
    double whole = 0;
    for (const auto share : shares) whole += share;
    for (std::uint32_t at = 0; at < job.cast.names.size(); ++at) {
      one.specialist = at;
      weights.push_back(from.weight * shares[at] / whole);
      parts_.push_back(one);
    }
  }
  choice_.emplace(weights);
}

void stress::submit(task_request request, const chaos_books::sent& ticket) {
  books_->submitted(ticket,
                    node_.submit(std::move(request), [books = books_, ticket](task_view view) {
                      books->ended(ticket, view);
                    }));
}

void stress::send(const part& which, const std::string& session, bool durable) {
  task_request request;
  if (which.specialist != chaos_books::no_specialist)
    request.specialist = job_.cast.names[which.specialist];
  request.department = which.department;
  request.command = which.command;
  request.input = which.input;
  request.urgency = which.urgency;
  request.durable = durable;
  request.case_id = session;
  submit(std::move(request), books_->open(which.specialist, false, durable, 0));
}

void stress::probe(std::uint32_t specialist, bool durable, std::size_t for_fault) {
  task_request request;
  request.specialist = job_.cast.names[specialist];
  request.input = R"({"query":"probe"})";
  request.durable = durable;
  submit(std::move(request), books_->open(specialist, true, durable, for_fault));
}

void stress::run_traffic(const std::function<bool()>& stop) {
  // The faults' seed, but an independent stream.
  base::random_source random{job_.plan.seed ^ 0x7472616666696300ULL};
  load::arrival_times times{arrivals_of(job_.plan), random.split()};
  const auto begin = steady::now();
  constexpr std::chrono::milliseconds nap_max{50};
  while (const auto at = times.next()) {
    const auto due =
        begin + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>{*at});
    // Short sleeps, so that an interrupted run ends soon.
    while (steady::now() < due) {
      if (stop()) return;
      std::this_thread::sleep_until(std::min(due, steady::now() + nap_max));
    }
    if (stop()) return;
    std::string session;
    if (job_.plan.load.sessions > 0)
      session = "chaos-" + std::to_string(random.below(job_.plan.load.sessions));
    const auto& which = parts_[choice_->pick(random)];
    send(which, session, random.uniform() < job_.plan.durable);
  }
}

}  // namespace greenroom::apps
