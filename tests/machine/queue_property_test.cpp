// Whatever is put in, handed out and taken away in whatever order, the queues hold what a plain
// model holds: nothing is lost or doubled, nobody starves, and no bound is passed.
#include "runtime/machine/tasks/ingress.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/tasks/waiting_line.hpp"
#include "runtime/queueing/admission_limits.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

namespace greenroom::machine::testing {
namespace {

using protocols::task, protocols::task_location;

RC_GTEST_PROP(WaitingLineProperty, HandsOutEachOnceInOrderAndStarvesNobody, ()) {
  task_ledger ledger{4096, 1};
  waiting_line line;
  std::array<std::deque<std::uint32_t>, protocols::priority_count> expected;
  std::array<int, protocols::priority_count> passed{};
  std::uint32_t next = 0;
  const auto fresh = [&](std::size_t urgency) {
    auto job = ledger.acquire();
    job->specialist = next;
    job->urgency = static_cast<protocols::priority>(urgency);
    return job;
  };
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  for (const int step : steps) {
    const auto urgency = static_cast<std::size_t>(step % 3);
    if (step < 45) {
      line.push_back(fresh(urgency));
      expected[urgency].push_back(next++);
    } else if (step < 52) {
      line.push_front(fresh(urgency));
      expected[urgency].push_front(next++);
    } else if (step < 55) {
      // Those whose callers have gone, here every third.
      std::size_t gone = 0;
      for (auto& one : expected)
        gone += std::erase_if(one, [](std::uint32_t number) { return number % 3 == 0; });
      RC_ASSERT(line.erase_if([](const task& job) { return job.specialist % 3 == 0; }) == gone);
    } else {
      const auto job = line.pop();
      const auto nobody = std::ranges::all_of(expected, &std::deque<std::uint32_t>::empty);
      RC_ASSERT(bool{job} == !nobody);
      if (!job) continue;
      const auto served = static_cast<std::size_t>(job->urgency);
      RC_ASSERT(!expected[served].empty());
      RC_ASSERT(job->specialist == expected[served].front());
      expected[served].pop_front();
      for (std::size_t other = 0; other < passed.size(); ++other) {
        passed[other] = other == served || expected[other].empty() ? 0 : passed[other] + 1;
        // Eight in a row may go first, and then at most the two other classes.
        RC_ASSERT(passed[other] <= 10);
      }
    }
    std::size_t all = 0;
    for (const auto& one : expected) all += one.size();
    RC_ASSERT(line.size() == all);
    RC_ASSERT(ledger.alive() == all);
  }
  line.clear();
  RC_ASSERT(ledger.alive() == 0U);
}

RC_GTEST_PROP(IngressProperty, GivesOutWhatWasTakenInItsOrderAndNeverMoreThanItsBound, ()) {
  const auto capacity = *rc::gen::inRange<std::size_t>(1, 40);
  ingress_ring<int> ring{capacity};
  std::deque<int> expected;
  bool asleep = true;
  int next = 0;
  for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10))) {
    if (step < 7) {
      const auto how = ring.push(next);
      RC_ASSERT((how == pushed::full) == (expected.size() >= capacity));
      if (how == pushed::full) continue;
      RC_ASSERT((how == pushed::wake) == asleep);
      asleep = false;
      expected.push_back(next++);
    } else if (step < 9) {
      const auto count = expected.size();
      std::vector<int> taken;
      RC_ASSERT(ring.drain([&](int one) { taken.push_back(one); }) == count);
      RC_ASSERT(std::ranges::equal(taken, expected));
      expected.clear();
    } else {
      asleep = ring.try_sleep();
      RC_ASSERT(asleep == expected.empty());
    }
    RC_ASSERT(ring.empty() == expected.empty());
  }
}

RC_GTEST_PROP(LedgerProperty, CountsLargeInputsInAndOutAndKeepsToTheirBound, ()) {
  constexpr std::uint64_t most = 100'000;
  task_ledger ledger{64, 1};
  std::vector<protocols::task_ptr> inside;
  std::uint64_t heavy = 0;
  for (const auto step :
       *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 60'000))) {
    if (step % 3 != 0) {
      const bool large = step > 4096;
      const bool fits = !large || heavy == 0 || heavy + step <= most;
      RC_ASSERT(ledger.take_in(step, most) == fits);
      if (!fits) continue;
      auto job = ledger.acquire();
      RC_ASSERT(bool{job} == (inside.size() < 64));
      if (!job) {
        ledger.put_back(step);
        continue;
      }
      job->input = std::string(step, 'x');
      inside.push_back(std::move(job));
      heavy += large ? step : 0;
    } else if (!inside.empty()) {
      const auto at = inside.begin() + static_cast<std::ptrdiff_t>(step % inside.size());
      heavy -= (*at)->input.size() > 4096 ? (*at)->input.size() : 0;
      inside.erase(at);
    }
    RC_ASSERT(ledger.heavy() == heavy);
    RC_ASSERT(ledger.alive() == inside.size());
  }
  inside.clear();
  RC_ASSERT(ledger.heavy() == 0U);
}

TEST(Ledger, GivesLargeBuffersBackWithTheTask) {
  task_ledger ledger{1, 1};
  {
    auto job = ledger.acquire();
    for (auto* text : {&job->input, &job->output, &job->case_id, &job->result.output})
      text->assign(1'000'000, 'x');
  }
  const auto next = ledger.acquire();
  for (const auto* text : {&next->input, &next->output, &next->case_id, &next->result.output})
    EXPECT_LE(text->capacity(), 4096U);
}

RC_GTEST_PROP(AdmissionProperty, KeepsToItsBoundsAndIsNeverKinderToALongerLine, ()) {
  runtime::queue_state line;
  line.depth_max = *rc::gen::inRange<std::size_t>(1, 200);
  line.total_max = *rc::gen::inRange<std::size_t>(1, 500);
  // Often just at the bound, where it matters.
  line.depth =
      *rc::gen::element(*rc::gen::inRange<std::size_t>(0, 250), line.depth_max, line.depth_max - 1);
  line.total = *rc::gen::inRange<std::size_t>(0, 600);
  line.concurrency = *rc::gen::inRange<std::size_t>(1, 9);
  line.run_ns = *rc::gen::inRange<std::int64_t>(0, 5'000'000'000);
  line.start_ns = *rc::gen::inRange<std::int64_t>(0, 5'000'000'000);
  line.warm = *rc::gen::arbitrary<bool>();
  line.low_priority = *rc::gen::arbitrary<bool>();
  line.open_for_ns = *rc::gen::element<std::int64_t>(0, 0, 0, 1'000'000'000);
  const auto patience = *rc::gen::inRange<std::int64_t>(1, 60'000'000'000);
  const auto verdict = runtime::admit(line, patience);
  const bool in = verdict.what == runtime::admission_result::admitted;
  if (line.depth >= line.depth_max || line.total >= line.total_max || line.open_for_ns > 0)
    RC_ASSERT(!in);
  RC_ASSERT((verdict.retry_after_ns > 0) == !in);
  if (!in) return;
  for (const auto less : {std::size_t{0}, line.depth / 2}) {
    auto shorter = line;
    shorter.depth = less;
    RC_ASSERT(runtime::admit(shorter, patience).what == runtime::admission_result::admitted);
  }
  auto high = line;
  high.low_priority = false;
  RC_ASSERT(runtime::admit(high, patience).what == runtime::admission_result::admitted);
  RC_ASSERT(runtime::admit(line, patience * 2).what == runtime::admission_result::admitted);
}

}  // namespace
}  // namespace greenroom::machine::testing
