// What the monitor makes of what it sees.
#include "actors/journal_keeper.hpp"
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

std::optional<runtime::monitoring::alert> firing(const stage& play, std::string_view rule) {
  return play.house->board.read([&](const actors::watch_board::content& board) {
    const auto found = std::ranges::find(board.firing, rule, &runtime::monitoring::alert::rule);
    return found == board.firing.end() ? std::optional<runtime::monitoring::alert>{} : *found;
  });
}

TEST(Monitor, SaysWhatWasDetectedAndTunedAndForgetsIt) {
  watched_stage play{quick_cast()};
  play.house->publish("workflow.detected", R"({"workflow":"BEFORE_IT_LIVED"})");
  play.open();
  play.live(2s);
  EXPECT_FALSE(firing(play, runtime::monitoring::workflow_detected));
  play.house->publish("workflow.detected", R"({"workflow":"ML_PIPELINE","steps_done":2})");
  play.house->publish("tuning.adjusted", R"({"threshold":0.34,"slots":16,"keep_s":45})");
  play.live(2s);
  const auto flow = firing(play, runtime::monitoring::workflow_detected);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->level, runtime::monitoring::severity::info);
  EXPECT_EQ(flow->text, "ML_PIPELINE");
  const auto tuned = firing(play, runtime::monitoring::self_tuning_adjustment);
  ASSERT_TRUE(tuned);
  EXPECT_EQ(tuned->text, "warm threshold 0.34, 16 slots");
  // Four looks later they are over.
  play.live(6s);
  EXPECT_FALSE(firing(play, runtime::monitoring::workflow_detected));
  EXPECT_FALSE(firing(play, runtime::monitoring::self_tuning_adjustment));
}

TEST(Monitor, SaysThatTheJournalWasDamagedBeforeItLived) {
  watched_stage play{quick_cast()};
  machine::journal_damage damage;
  damage.what = "journal.db is missing";
  actors::tell_damage(*play.house, damage);
  play.open();
  play.live(2s);
  const auto alert = firing(play, runtime::monitoring::journal_damaged);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->level, runtime::monitoring::severity::warning);
  EXPECT_NE(alert->text.find("journal.db is missing"), std::string::npos) << alert->text;
}

}  // namespace
}  // namespace greenroom::tests
