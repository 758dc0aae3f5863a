// Real child processes: through the whole node, and directly.
#include "apps/bench/benchmarks.hpp"
#include "apps/bench/callers.hpp"
#include "apps/bench/worker_floor.hpp"
#include "protocols/task.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

namespace greenroom::bench {

namespace {

constexpr std::size_t workers = 17;
constexpr std::size_t window = 64;
constexpr std::size_t crowd = 20;

std::string program_of(const settings& how) { return how.bin_directory + "/greenroom-echo-worker"; }

node_or_error open_warm(const settings& how) {
  auto opened = open_processes(echo_processes(workers, how), how);
  if (auto* on = std::get_if<0>(&opened)) {
    for (std::size_t i = 0; i < workers; ++i) static_cast<void>((*on)->warm(name_of(i)));
    await_warm(**on, workers);
  }
  return opened;
}

void check(result& whole, const call_report& report) {
  if (report.wrong > 0) whole.wrong = std::to_string(report.wrong) + " answers were wrong";
}

/// A task on a cold specialist; records when its answer arrived.
class cold_call final : public protocols::task_observer {
public:
  void on_end(const protocols::task& job) noexcept override {
    ended_ns = now_ns();
    good = job.state.load() == protocols::task_state::completed;
    cold = job.cold_start;
    over.store(1);
    over.notify_one();
  }
  std::int64_t since_ns = 0, ended_ns = 0;
  bool good = false;
  bool cold = false;
  std::atomic<int> over{0};
};

std::string cold_round(node& on, std::size_t at_once, runtime::load::latency_recorder& latencies,
                       std::uint64_t& expected) {
  std::vector<std::shared_ptr<cold_call>> calls;
  const auto since = now_ns();
  for (std::size_t i = 0; i < at_once; ++i) {
    task_request request;
    request.specialist = name_of(i);
    write_input(request.input, i);
    calls.push_back(std::make_shared<cold_call>());
    const auto outcome = on.submit(std::move(request), calls.back());
    if (!outcome) return outcome.error().detail;
  }
  for (const auto& one : calls) {
    one->over.wait(0);
    if (!one->good) return "a task did not complete";
    // Regular rounds are soon predicted; tasks of prewarmed workers are no cold starts.
    if (one->cold)
      latencies.add(one->ended_ns - since);
    else
      ++expected;
  }
  for (std::size_t i = 0; i < at_once; ++i) static_cast<void>(on.cool(name_of(i)));
  const auto is_cold = [&](std::size_t i) {
    return on.specialist(name_of(i))->state == worker_state::cold;
  };
  for (std::size_t i = 0; i < at_once; ++i)
    while (!is_cold(i)) {
      // `cool` has no effect on a worker that is still busy; repeat.
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      static_cast<void>(on.cool(name_of(i)));
    }
  // The director learns of the free slot by a message.
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
  return {};
}

}  // namespace

std::vector<result> process_rtt(const settings& how) {
  result whole;
  whole.name = "process-rtt";
  auto opened = open_warm(how);
  if (auto* why = std::get_if<std::string>(&opened)) {
    whole.wrong = *why;
    return {whole};
  }
  auto& on = *std::get<0>(opened);
  const auto targets = zipf_targets(workers);
  std::vector<figures> inside, outside, epolls, reads;
  for (int round = 0; round < how.rounds; ++round) {
    const auto called = one_at_a_time(on, targets, next_from::callback, how.seconds);
    check(whole, called);
    inside.push_back(called.found);
    epolls.push_back(worker_rtt_floor(program_of(how), workers, true, how.seconds));
    const auto asked = one_at_a_time(on, targets, next_from::outside_thread, how.seconds);
    check(whole, asked);
    outside.push_back(asked.found);
    reads.push_back(worker_rtt_floor(program_of(how), workers, false, how.seconds));
  }
  whole.found = median(inside);
  whole.floors = {{"bare epoll, the same worker", median(epolls)},
                  {"bare blocking read, the same worker", median(reads)}};
  whole.ratio = whole.found.p50_us / whole.floors.front().found.p50_us;
  const auto away = median(outside);
  whole.more = {{"ratio_to_blocking_read", whole.found.p50_us / whole.floors.back().found.p50_us},
                {"outside_thread_p50_us", away.p50_us},
                {"outside_thread_p99_us", away.p99_us},
                {"outside_thread_ratio", away.p50_us / whole.floors.front().found.p50_us},
                {"outstanding", 1},
                {"workers", workers}};
  return {whole};
}

std::vector<result> process_load(const settings& how) {
  result whole;
  whole.name = "process-load";
  auto opened = open_warm(how);
  if (auto* why = std::get_if<std::string>(&opened)) {
    whole.wrong = *why;
    return {whole};
  }
  auto& on = *std::get<0>(opened);
  const auto targets = zipf_targets(workers);
  std::vector<figures> node_figures, floors;
  for (int round = 0; round < how.rounds; ++round) {
    const auto report = callback_window(on, targets, window, how.seconds);
    check(whole, report);
    node_figures.push_back(report.found);
    floors.push_back(worker_load_floor(program_of(how), workers, window, how.seconds));
  }
  std::vector<double> outside;
  outside.reserve(static_cast<std::size_t>(how.rounds));
  for (int round = 0; round < how.rounds; ++round)
    outside.push_back(closed_window(on, targets, window, how.seconds).found.tasks_per_s);
  whole.found = median(node_figures);
  whole.floors = {{"bare epoll, the same worker", median(floors)}};
  whole.ratio = whole.found.tasks_per_s / whole.floors.front().found.tasks_per_s;
  // The spinning thread takes one of few cores from the workers.
  whole.more = {{"spinning_outside_thread_tasks_per_s", median(outside)},
                {"outstanding", window},
                {"workers", workers}};
  return {whole};
}

std::vector<result> cold_start(const settings& how) {
  std::vector<result> results;
  for (const auto at_once : {std::size_t{1}, crowd}) {
    result one;
    one.name = "cold-start-" + std::to_string(at_once);
    auto opened = open_processes(echo_processes(crowd, how), how);
    if (auto* why = std::get_if<std::string>(&opened)) {
      one.wrong = *why;
      results.push_back(std::move(one));
      continue;
    }
    auto& on = *std::get<0>(opened);
    std::vector<figures> node_figures, floors;
    std::uint64_t expected = 0;
    for (int round = 0; round < how.rounds && one.wrong.empty(); ++round) {
      runtime::load::latency_recorder latencies;
      const auto begin = now_ns();
      while (one.wrong.empty() && static_cast<double>(now_ns() - begin) < how.seconds * 1e9)
        one.wrong = cold_round(on, at_once, latencies, expected);
      node_figures.push_back(figures_of(latencies, static_cast<double>(now_ns() - begin) / 1e9));
      floors.push_back(cold_start_floor(program_of(how), at_once, how.seconds));
    }
    one.found = median(node_figures);
    one.floors = {{"vfork and exec to the first answer", median(floors)}};
    const auto& floor = one.floors.front().found;
    one.ratio = one.found.p50_us / floor.p50_us;
    one.more = {{"beyond_floor_p50_us", one.found.p50_us - floor.p50_us},
                {"beyond_floor_p99_us", one.found.p99_us - floor.p99_us},
                {"at_once", static_cast<double>(at_once)},
                {"warmed_ahead", static_cast<double>(expected)}};
    results.push_back(std::move(one));
  }
  return results;
}

}  // namespace greenroom::bench
