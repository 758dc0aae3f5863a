#include "runtime/rollout/root_cause.hpp"

#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace greenroom::runtime::rollout;
using greenroom::runtime::monitoring::metric;

namespace {

constexpr double end = t0 + 3600;

/// An hour of samples every 15 s, with a step to `bad` at `from_s` (never when it is past the end).
void hour(evidence_recorder& record, const std::string& who, metric what, double usual, double bad,
          double from_s, std::uint64_t seed, double noise = 0.05) {
  std::mt19937_64 engine{seed};
  std::normal_distribution<double> wobble{0, noise};
  for (double at = t0; at <= end; at += 15) {
    const double level = at >= from_s ? bad : usual;
    record.add(who, what, std::max(0.0, level * (1 + wobble(engine))), at);
  }
}

}  // namespace

TEST(RootCause, NamesTheMetricThatLeftItsBandFirstAndWhatChangedBefore) {
  evidence_recorder record;
  hour(record, "react-specialist", metric::response_p95_ms, 40, 900, end - 150, 1);
  hour(record, "react-specialist", metric::queue_depth, 1, 30, end - 120, 2);
  hour(record, "pool:intelligent", metric::response_mean_ms, 30, 200, end - 105, 3);
  hour(record, "api-architect", metric::response_p95_ms, 40, 40, end + 1, 4);
  record.add({end - 2000, "config", "", "old news"});
  record.add({end - 165, "percentage", "", "50 % to 75 %"});
  record.add({end - 160, "worker-crash", "api-architect", "not its own"});
  const auto found = find_causes(record, end);
  ASSERT_EQ(found.findings.size(), 3u);
  const auto& first = found.findings[0];
  EXPECT_EQ(first.rank, 1u);
  EXPECT_EQ(first.subject, "react-specialist");
  EXPECT_EQ(first.what, metric::response_p95_ms);
  EXPECT_NEAR(first.onset_s, end - 150, 15.1);
  EXPECT_NEAR(first.usual, 40, 2);
  EXPECT_GT(first.worst, 800);
  ASSERT_EQ(first.before.size(), 1u);
  EXPECT_EQ(first.before[0].text, "50 % to 75 %");
  EXPECT_EQ(found.specialists, (std::vector<std::string>{"react-specialist"}));
  EXPECT_NE(found.summary.find("react-specialist"), std::string::npos) << found.summary;
  EXPECT_NE(found.summary.find("50 % to 75 %"), std::string::npos) << found.summary;
}

TEST(RootCause, BlamesASpecialistBeforeThePoolThatItIsPartOf) {
  evidence_recorder record;
  hour(record, "pool:intelligent", metric::error_rate, 0.01, 0.9, end - 120, 5);
  hour(record, "ml-trainer", metric::error_rate, 0.01, 0.5, end - 120, 6);
  const auto found = find_causes(record, end);
  ASSERT_EQ(found.findings.size(), 2u);
  EXPECT_EQ(found.findings[0].subject, "ml-trainer");
}

TEST(RootCause, FindsNothingInSeriesThatOnlyWobble) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    evidence_recorder record;
    hour(record, "a", metric::response_p95_ms, 50, 50, end + 1, seed, 0.08);
    hour(record, "a", metric::memory_mb, 66, 66, end + 1, seed + 1000, 0.05);
    hour(record, "b", metric::queue_depth, 3, 3, end + 1, seed + 2000, 0.2);
    EXPECT_TRUE(find_causes(record, end).findings.empty()) << "seed " << seed;
  }
}

TEST(RootCause, DoesNotTakeOnePointForAChange) {
  evidence_recorder record;
  hour(record, "a", metric::response_p95_ms, 50, 50, end + 1, 9);
  evidence_recorder spiked;
  for (const auto& [key, points] : record.series()) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      spiked.add(key.subject, key.what, i == points.size() - 5 ? 5000 : points[i].value,
                 points[i].at_s);
    }
  }
  EXPECT_TRUE(find_causes(spiked, end).findings.empty());
}

TEST(RootCause, DoesNotAddUpPointsThatLieApart) {
  evidence_recorder record;
  for (int i = 0; i <= 240; ++i) {
    record.add("a", metric::response_p95_ms, i == 228 || i == 234 ? 5000 : 50, t0 + 15 * i);
  }
  EXPECT_TRUE(find_causes(record, end).findings.empty());
}

TEST(RootCause, IsNotInterestedInChangesForTheBetter) {
  evidence_recorder record;
  hour(record, "a", metric::response_p95_ms, 500, 20, end - 200, 10);
  hour(record, "a", metric::warm_hit_rate, 0.5, 0.95, end - 200, 11);
  hour(record, "a", metric::memory_efficiency, 0.5, 0.9, end - 200, 12);
  EXPECT_TRUE(find_causes(record, end).findings.empty());
  hour(record, "b", metric::warm_hit_rate, 0.9, 0.2, end - 200, 13);
  EXPECT_EQ(find_causes(record, end).findings.size(), 1u);
}

TEST(RootCause, FindsTheTrueFirstSpecialistAmongManyForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 engine{seed};
    evidence_recorder record;
    const auto guilty = engine() % 20;
    for (std::uint64_t who = 0; who < 20; ++who) {
      const bool bad = who == guilty || engine() % 5 == 0;
      const double from = who == guilty ? end - 240 : end - 90;
      hour(record, "s" + std::to_string(who), metric::response_p95_ms, 30, bad ? 300 : 30, from,
           seed * 100 + who);
    }
    const auto found = find_causes(record, end);
    ASSERT_FALSE(found.findings.empty());
    EXPECT_EQ(found.findings[0].subject, "s" + std::to_string(guilty)) << "seed " << seed;
  }
}

TEST(RootCause, UsesTheBeginningOfAShortRecord) {
  evidence_recorder record;
  for (int i = 0; i < 30; ++i) {
    record.add("a", metric::error_rate, i < 20 ? 0.01 : 0.4, end - 150 + i * 5);
  }
  const auto found = find_causes(record, end);
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_NEAR(found.findings[0].onset_s, end - 50, 0.1);
}

TEST(RootCause, JudgesByWhatIsAllowedWhereNothingWasEverGood) {
  evidence_recorder record;
  record.add("a", metric::error_rate, 0.9, end - 10);
  record.add("a", metric::error_rate, 1.0, end - 5);
  analysis_settings settings;
  settings.allowed = {{metric::error_rate, 0.02}};
  const auto found = find_causes(record, end, settings);
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_TRUE(found.findings[0].by_limit);
  EXPECT_EQ(found.findings[0].onset_s, end - 10);
  EXPECT_NE(found.summary.find("2.0 % is allowed"), std::string::npos) << found.summary;
}

TEST(RootCause, RanksWhatTheTriggerIsMadeOfBeforeWhatMovedEarlier) {
  evidence_recorder record;
  hour(record, "noisy", metric::response_mean_ms, 30, 300, end - 200, 21);
  hour(record, "guilty", metric::error_rate, 0.0, 0.9, end - 60, 22);
  analysis_settings settings;
  settings.explains = {metric::error_rate};
  const auto found = find_causes(record, end, settings);
  ASSERT_EQ(found.findings.size(), 2u);
  EXPECT_EQ(found.findings[0].subject, "guilty");
  EXPECT_EQ(find_causes(record, end).findings[0].subject, "noisy");
}

TEST(RootCause, RanksWhatLastedBeforeWhatCameBack) {
  evidence_recorder record;
  for (double at = t0; at <= end; at += 15) {
    record.add("passed", metric::queue_depth, at >= end - 200 && at < end - 100 ? 30 : 1, at);
    record.add("lasted", metric::queue_depth, at >= end - 90 ? 30 : 1, at);
  }
  const auto found = find_causes(record, end);
  ASSERT_EQ(found.findings.size(), 2u);
  EXPECT_EQ(found.findings[0].subject, "lasted");
  EXPECT_NE(found.findings[1].text.find("came back"), std::string::npos);
}

TEST(RootCause, TakesTheLastPointOfWhatTripped) {
  evidence_recorder record;
  hour(record, "a", metric::error_rate, 0.0, 1.0, end, 23);
  EXPECT_TRUE(find_causes(record, end).findings.empty());
  analysis_settings settings;
  settings.explains = {metric::error_rate};
  EXPECT_EQ(find_causes(record, end, settings).findings.size(), 1u);
}

TEST(RootCause, SaysWhenItKnowsTooLittle) {
  evidence_recorder record;
  record.add("a", metric::error_rate, 0.9, end - 10);
  const auto found = find_causes(record, end);
  EXPECT_TRUE(found.findings.empty());
  EXPECT_EQ(found.series_without_band, 1u);
  EXPECT_NE(found.summary.find("long enough"), std::string::npos);
}

TEST(EvidenceRecorder, StaysWithinItsBoundsAndKeepsTheNewest) {
  evidence_recorder record{{.points_max = 3, .series_max = 2, .events_max = 2}};
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(record.add("a", metric::error_rate, i, i));
    record.add({static_cast<double>(i), "kind", "", ""});
  }
  EXPECT_TRUE(record.add("b", metric::error_rate, 1, 1));
  EXPECT_FALSE(record.add("c", metric::error_rate, 1, 1));
  EXPECT_FALSE(record.add("a", metric::error_rate, 0.0 / 0.0, 1));
  EXPECT_EQ(record.series().begin()->second.size(), 3u);
  EXPECT_EQ(record.series().begin()->second.front().value, 7);
  EXPECT_EQ(record.events().size(), 2u);
  EXPECT_EQ(record.events().back().at_s, 9);
}

TEST(EvidenceRecorder, MergesPagesWithoutRepeatingAPoint) {
  evidence_recorder all;
  for (int page = 0; page < 3; ++page) {
    evidence_recorder one;
    one.add("a", metric::error_rate, page, t0 + page);
    one.add({t0 + page, "kind", "", ""});
    all.merge(one);
    all.merge(one);
  }
  EXPECT_EQ(all.series().begin()->second.size(), 3u);
  EXPECT_EQ(all.events().size(), 3u);
}

TEST(EvidenceRecorder, ReadsBackToTheSameAnalysis) {
  evidence_recorder record;
  hour(record, "odd\tname\n", metric::response_p95_ms, 40, 900, end - 150, 1);
  record.add({end - 160, "deploy", "odd\tname\n", "v2"});
  const auto back = evidence_recorder::decode(record.encode(), {});
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->encode(), record.encode());
  EXPECT_EQ(find_causes(*back, end).summary, find_causes(record, end).summary);
  EXPECT_FALSE(evidence_recorder::decode("greenroom-evidence 1\nseries=a\tmood\nend\n", {}));
}
