// The memory sampler, in virtual time.
#include "actors/pooling/memory_sampler.hpp"
#include "actors/supervision/hand_out.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

machine::process_usage bytes(std::uint64_t amount) { return {amount, 0ms, 1}; }

// Half a core between two samples; a new process starts from zero.
TEST(MemorySampler, MeasuresTheShareOfACoreThatAWorkerKeepsBusy) {
  stage node{small_cast(1, 2)};
  node.open();
  auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  gauge.pid = 100;
  auto used = 0ms;
  const auto memory_sampler = node.world.system.spawn(
      actors::memory_sampler, actors::hand_out<actors::memory_sampler_parts>(*node.shared),
      [&](int) {
        return machine::process_usage{std::uint64_t{4} << 20, used += 500ms, 1};
      },
      1s);
  node.world.advance(1s);
  EXPECT_DOUBLE_EQ(actors::cpu_share_of(gauge), 0);
  node.world.advance(1s);
  EXPECT_DOUBLE_EQ(actors::cpu_share_of(gauge), 0.5);
  gauge.pid = 101;
  node.world.advance(1s);
  EXPECT_DOUBLE_EQ(actors::cpu_share_of(gauge), 0);
  gauge.pid = 0;
  EXPECT_DOUBLE_EQ(actors::cpu_share_of(gauge), 0);
  caf::anon_send_exit(memory_sampler, caf::exit_reason::user_shutdown);
}

TEST(MemorySampler, MeasuresWhatRunsAndCountsTheOthersAsTheMeanOfThose) {
  stage node{small_cast(1, 4)};
  node.open();
  auto& pool = node.shared->pools.of(protocols::pool_kind::intelligent);
  pool.specialists[0].gauge.pid = 100;
  pool.specialists[1].gauge.pid = 101;
  const auto memory_sampler = node.world.system.spawn(
      actors::memory_sampler, actors::hand_out<actors::memory_sampler_parts>(*node.shared),
      [](int pid) { return bytes(pid == 100 ? std::uint64_t{4} << 20 : std::uint64_t{8} << 20); },
      1s);
  node.world.advance(1s);  // The first sample has no interval yet.
  EXPECT_EQ(pool.specialists[0].gauge.memory_bytes.load(), std::uint64_t{4} << 20);
  node.world.advance(1s);
  // Two of four run with 12 MiB; four would take 24 MiB.
  EXPECT_EQ(node.shared->memory.intelligent.used_kib_ms.load(), std::uint64_t{12} * 1024 * 1000);
  EXPECT_EQ(node.shared->memory.intelligent.always_kib_ms.load(), std::uint64_t{24} * 1024 * 1000);
  caf::anon_send_exit(memory_sampler, caf::exit_reason::user_shutdown);
  pool.specialists[0].gauge.pid = 0;
  pool.specialists[1].gauge.pid = 0;
}

// All are warm in the baseline, and one of four in the intelligent pool: the node takes more than
// always-warm and saves nothing.
TEST(MemorySampler, CountsTheWorkersOfBothPoolsWhileTheyStandBesideEachOther) {
  stage node{small_cast(1, 4)};
  node.options.policies[1] = node.options.policies[0];
  node.open();
  auto& smart = node.shared->pools.of(protocols::pool_kind::intelligent);
  auto& plain = node.shared->pools.of(protocols::pool_kind::baseline);
  const auto everybody = [&](int pid) {
    for (auto& one : plain.specialists) {
      one.gauge.pid = pid;
      if (pid == 0) one.gauge.memory_bytes = 0;
    }
  };
  const auto memory_sampler = node.world.system.spawn(
      actors::memory_sampler, actors::hand_out<actors::memory_sampler_parts>(*node.shared),
      [](int) { return bytes(std::uint64_t{4} << 20); }, 1s);
  node.shared->routes.baseline_warm = true;
  everybody(100);
  smart.specialists[0].gauge.pid = 101;
  node.world.advance(11s);
  EXPECT_DOUBLE_EQ(node.shared->memory.intelligent.efficiency().value_or(0), 0.75);
  EXPECT_EQ(node.shared->memory.all.efficiency(), 0.0);
  // The baseline may cool: its memory is no longer sampled.
  node.shared->routes.baseline_warm = false;
  everybody(0);
  node.world.advance(10s);
  EXPECT_DOUBLE_EQ(node.shared->memory.all.efficiency().value_or(0), 0.75);
  // A pool that a rollback has emptied saves nothing.
  node.shared->routes.force({runtime::rollout::mode::fallback, 0});
  smart.specialists[0].gauge.pid = 0;
  smart.specialists[0].gauge.memory_bytes = 0;
  everybody(100);
  node.world.advance(10s);
  EXPECT_DOUBLE_EQ(node.shared->memory.intelligent.efficiency().value_or(0), 0.75);
  EXPECT_LT(node.shared->memory.all.efficiency().value_or(1), 0.4);
  caf::anon_send_exit(memory_sampler, caf::exit_reason::user_shutdown);
  everybody(0);
}

}  // namespace
}  // namespace greenroom::tests
