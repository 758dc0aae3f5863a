// Small parts under Google Benchmark.
#include "apps/bench/benchmarks.hpp"
#include "apps/bench/stage.hpp"

#include "protocols/http_task.hpp"
#include "runtime/machine/metrics/latency_histogram.hpp"
#include "runtime/machine/tasks/inbox.hpp"
#include "runtime/machine/tasks/ingress.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/tasks/waiting_line.hpp"
#include "runtime/pooling/lru_policy.hpp"
#include "runtime/queueing/admission_limits.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

namespace greenroom::bench {
namespace {

using benchmark::State;

constexpr std::size_t batch = 64;

std::int64_t per_batch(const State& state) {
  return static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(batch);
}

void ring_push_and_drain(State& state) {
  machine::ingress_ring<protocols::task*> ring{4096};
  std::size_t taken = 0;
  for (auto step : state) {
    static_cast<void>(step);
    for (std::size_t i = 0; i < batch; ++i) benchmark::DoNotOptimize(ring.push(nullptr));
    ring.drain([&](protocols::task*) { ++taken; });
    benchmark::DoNotOptimize(ring.try_sleep());
  }
  state.SetItemsProcessed(per_batch(state));
}

void lanes_push_and_drain(State& state) {
  machine::ingress_lanes<protocols::task*> lanes{4096};
  std::size_t taken = 0;
  for (auto step : state) {
    static_cast<void>(step);
    for (std::size_t i = 0; i < batch; ++i) benchmark::DoNotOptimize(lanes.push(nullptr));
    lanes.drain([&](protocols::task*) { ++taken; });
    benchmark::DoNotOptimize(lanes.try_sleep());
  }
  state.SetItemsProcessed(per_batch(state));
}

void inbox_push_and_take(State& state) {
  machine::task_ledger ledger{4096, 1};
  machine::task_inbox inbox;
  std::vector<protocols::task_ptr> jobs;
  for (std::size_t i = 0; i < batch; ++i) jobs.push_back(ledger.acquire());
  for (auto step : state) {
    static_cast<void>(step);
    for (auto& job : jobs) benchmark::DoNotOptimize(inbox.push(job));
    for (auto* at = inbox.take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      protocols::task_ptr::adopt(at);
      at = after;
    }
    benchmark::DoNotOptimize(inbox.try_sleep());
  }
  state.SetItemsProcessed(per_batch(state));
}

void ledger_acquire_and_release(State& state) {
  machine::task_ledger ledger{4096, 1};
  for (auto step : state) {
    static_cast<void>(step);
    benchmark::DoNotOptimize(ledger.acquire());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void waiting_line_push_and_pop(State& state) {
  machine::task_ledger ledger{4096, 1};
  machine::waiting_line line;
  std::vector<protocols::task_ptr> jobs;
  for (std::size_t i = 0; i < batch; ++i) {
    jobs.push_back(ledger.acquire());
    jobs.back()->urgency = static_cast<protocols::priority>(i % protocols::priority_count);
  }
  for (auto step : state) {
    static_cast<void>(step);
    for (auto& job : jobs) line.push_back(job);
    for (std::size_t i = 0; i < batch; ++i) benchmark::DoNotOptimize(line.pop());
  }
  state.SetItemsProcessed(per_batch(state));
}

void histogram_add(State& state) {
  machine::latency_histogram histogram;
  std::int64_t value = 1;
  for (auto step : state) {
    static_cast<void>(step);
    histogram.add(value);
    value = (value * 7) & 0xfffffff;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void admission_verdict(State& state) {
  runtime::queue_state line;
  line.depth = 12;
  line.run_ns = 1'000'000;
  line.warm = true;
  for (auto step : state) {
    static_cast<void>(step);
    benchmark::DoNotOptimize(line);
    benchmark::DoNotOptimize(runtime::admit(line, 30'000'000'000));
  }
}

void request_parse(State& state) {
  std::string input;
  write_input(input, 1);
  const auto body =
      R"({"specialist":"actor-1","input":)" + input + R"(,"priority":"high","timeout_ms":30000})";
  for (auto step : state) {
    static_cast<void>(step);
    benchmark::DoNotOptimize(protocols::parse_http_task(body, 64));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations())
                          * static_cast<std::int64_t>(body.size()));
}

/// A policy with `count` specialists, one fifth of them warm and idle.
struct policy_stage {
  std::unique_ptr<runtime::warm_policy> policy = runtime::make_lru_policy();
  std::vector<runtime::slot_state> slot_states;
  explicit policy_stage(std::size_t count) : slot_states(count) {
    policy->set_limits({.max_warm = count / 5 + 1});
    for (std::size_t i = 0; i < count; ++i) {
      policy->learn(static_cast<std::uint32_t>(i),
                    {.department = static_cast<std::uint32_t>(i % 19)});
      if (i % 5 == 0) slot_states[i] = {runtime::worker_state::warm, 0, 1.0, 1.0};
    }
  }
};

void policy_observe(State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  policy_stage stage{count};
  const auto picks = zipf_picks(count);
  std::size_t turn = 0;
  double now = 2;
  for (auto step : state) {
    static_cast<void>(step);
    const auto who = picks[turn++ % picks.size()];
    stage.policy->observe_arrival(who, turn % 50, now);
    stage.policy->observe_idle(who, now + 1e-3);
    now += 1e-2;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void policy_review(State& state) {
  policy_stage stage{static_cast<std::size_t>(state.range(0))};
  for (auto step : state) {
    static_cast<void>(step);
    benchmark::DoNotOptimize(stage.policy->review(stage.slot_states, 3.0));
  }
}

void policy_make_room(State& state) {
  policy_stage stage{static_cast<std::size_t>(state.range(0))};
  for (auto step : state) {
    static_cast<void>(step);
    benchmark::DoNotOptimize(stage.policy->make_room(1, stage.slot_states, 10.0));
  }
}

BENCHMARK(ring_push_and_drain)->Name("ring/push+drain");
BENCHMARK(lanes_push_and_drain)->Name("lanes/push+drain");
BENCHMARK(inbox_push_and_take)->Name("inbox/push+take");
BENCHMARK(ledger_acquire_and_release)->Name("ledger/acquire+release");
BENCHMARK(waiting_line_push_and_pop)->Name("waiting_line/push+pop");
BENCHMARK(histogram_add)->Name("latency_histogram/add");
BENCHMARK(admission_verdict)->Name("admission/verdict");
BENCHMARK(request_parse)->Name("http_task/parse");
BENCHMARK(policy_observe)->Name("lru/observe")->Arg(83)->Arg(500)->Arg(5'000)->Arg(100'000);
BENCHMARK(policy_review)->Name("lru/review")->Arg(83)->Arg(500)->Arg(5'000)->Arg(100'000);
BENCHMARK(policy_make_room)->Name("lru/make_room")->Arg(83)->Arg(500)->Arg(5'000)->Arg(100'000);

}  // namespace

int micro(bool json) {
  std::string name = "greenroom-bench", format = "--benchmark_format=json";
  std::array<char*, 3> arguments{name.data(), format.data(), nullptr};
  int count = json ? 2 : 1;
  benchmark::Initialize(&count, arguments.data());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace greenroom::bench
