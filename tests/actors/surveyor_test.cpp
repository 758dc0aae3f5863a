// Measured memory, in virtual time.
#include "actors/surveyor.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

TEST(Surveyor, MeasuresWhatRunsAndCountsTheOthersAsTheMeanOfThose) {
  stage play{small_cast(1, 4)};
  play.open();
  auto& pool = play.house->pool(protocols::pool_kind::intelligent);
  pool.specialists[0]->gauge.pid = 100;
  pool.specialists[1]->gauge.pid = 101;
  const auto surveyor = play.world.system.spawn(
      actors::surveyor, play.house.get(),
      [](int pid) { return pid == 100 ? std::uint64_t{4} << 20 : std::uint64_t{8} << 20; }, 1s);
  play.world.advance(1s);  // The first survey has nothing to multiply by.
  EXPECT_EQ(pool.specialists[0]->gauge.memory_bytes.load(), std::uint64_t{4} << 20);
  play.world.advance(1s);
  // Two of four run, 12 MiB; had all been warm, 24 MiB.
  EXPECT_EQ(play.house->used_kib_ms.load(), std::uint64_t{12} * 1024 * 1000);
  EXPECT_EQ(play.house->always_kib_ms.load(), std::uint64_t{24} * 1024 * 1000);
  caf::anon_send_exit(surveyor, caf::exit_reason::user_shutdown);
  pool.specialists[0]->gauge.pid = 0;
  pool.specialists[1]->gauge.pid = 0;
}

}  // namespace
}  // namespace greenroom::tests
