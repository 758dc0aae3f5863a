// Shadow traffic: from which baseline process an answer is taken to come.
#include "actors/state/shadow_traffic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::actors {
namespace {

class Mirror : public testing::Test {
protected:
  struct open_pair {
    std::shared_ptr<protocols::asker> baseline, intelligent;
  };
  open_pair begin(std::uint32_t specialist = 0) {
    const auto pair = mirror_.begin("s", "", false, 1, false, {specialist, &starts_});
    return {mirror::ear(pair, mirror::part::baseline),
            mirror::ear(pair, mirror::part::intelligent)};
  }
  void end(const open_pair& pair, const std::string& pid, std::uint32_t specialist = 0) {
    tell(*pair.baseline, pid, specialist);
    tell(*pair.intelligent, "815", specialist);
    mirror_.settle();
  }
  [[nodiscard]] bool names_instance() const {
    return mirror_.read().differences.front().names_instance;
  }

  mirror mirror_;
  machine::counter starts_{1};

private:
  static void tell(protocols::asker& who, const std::string& pid, std::uint32_t specialist) {
    protocols::task job;
    job.specialist = specialist;
    job.end_state = protocols::task_state::completed;
    job.output = R"({"pid":)" + pid + "}";
    who.on_end(job);
  }
};

TEST_F(Mirror, DoesNotTakeTheAnswerOfTheNewWorkerForTheOldOnes) {
  for (int i = 0; i < 6; ++i) end(begin(), "4711");
  const auto waiting = begin();
  machine::count(starts_);
  end(waiting, "4800");
  for (int i = 0; i < 6; ++i) end(begin(), "4800");
  EXPECT_TRUE(names_instance());
}

TEST_F(Mirror, DoesNotTakeTheAnswerOfAFallbackForTheWorkersOwn) {
  for (int i = 0; i < 6; ++i) end(begin(), "4711");
  end(begin(), "99", 1);
  machine::count(starts_);
  for (int i = 0; i < 6; ++i) end(begin(), "4800");
  EXPECT_TRUE(names_instance());
}

}  // namespace
}  // namespace greenroom::actors
