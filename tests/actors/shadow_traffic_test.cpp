// Shadow traffic: from which baseline process an answer is taken to come.
#include "actors/state/shadow_traffic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::actors {
namespace {

class ShadowTraffic : public testing::Test {
protected:
  struct open_pair {
    std::shared_ptr<protocols::task_observer> baseline, intelligent;
  };
  open_pair begin(std::uint32_t specialist = 0) {
    const auto pair = shadow_.begin("s", "", false, 1, false, {specialist, &starts_});
    return {shadow_traffic::observer_of(pair, shadow_traffic::part::baseline),
            shadow_traffic::observer_of(pair, shadow_traffic::part::intelligent)};
  }
  void end(const open_pair& pair, const std::string& pid, std::uint32_t specialist = 0) {
    tell(*pair.baseline, pid, specialist);
    tell(*pair.intelligent, "815", specialist);
    shadow_.settle();
  }
  [[nodiscard]] bool names_instance() const {
    return shadow_.read().differences.front().names_instance;
  }

  shadow_traffic shadow_;
  machine::counter starts_{1};

private:
  static void tell(protocols::task_observer& who, const std::string& pid,
                   std::uint32_t specialist) {
    protocols::task job;
    job.specialist = specialist;
    job.end_state = protocols::task_state::completed;
    job.output = R"({"pid":)" + pid + "}";
    who.on_end(job);
  }
};

TEST_F(ShadowTraffic, DoesNotTakeTheAnswerOfTheNewWorkerForTheOldOnes) {
  for (int i = 0; i < 6; ++i) end(begin(), "4711");
  const auto waiting = begin();
  machine::count(starts_);
  end(waiting, "4800");
  for (int i = 0; i < 6; ++i) end(begin(), "4800");
  EXPECT_TRUE(names_instance());
}

TEST_F(ShadowTraffic, DoesNotTakeTheAnswerOfAFallbackForTheWorkersOwn) {
  for (int i = 0; i < 6; ++i) end(begin(), "4711");
  end(begin(), "99", 1);
  machine::count(starts_);
  for (int i = 0; i < 6; ++i) end(begin(), "4800");
  EXPECT_TRUE(names_instance());
}

}  // namespace
}  // namespace greenroom::actors
