// The sequence model beside the best of its parts: on no log clearly worse, in no column.
#include "tests/unit/prediction/log_kinds.hpp"
#include "tests/unit/prediction/recordings.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace greenroom::runtime {
namespace {

constexpr double part_lead_most = 0.005;
constexpr std::size_t columns = 4;
constexpr std::array<const char*, columns> column_names = {"top1", "top2", "top3",
                                                           "top1_prefix2_noend"};
using column_values = std::array<double, columns>;

column_values columns_of(const accuracy& shares) {
  return {shares.top1, shares.top2, shares.top3, shares.top1_prefix2_noend};
}

/// Means over logs, of the model and of each part.
struct comparison {
  column_values blended{};
  std::array<column_values, evaluation::order_count> parts{};
  double logs = 0;

  void add(const evaluation& found) {
    const auto add_to = [this](column_values& mean, const accuracy& shares) {
      const column_values values = columns_of(shares);
      for (std::size_t c = 0; c < columns; ++c) mean[c] += (values[c] - mean[c]) / logs;
    };
    ++logs;
    add_to(blended, found.blended);
    for (std::size_t o = 0; o < parts.size(); ++o) add_to(parts[o], found.by_order[o]);
  }
  void expect_no_part_leads(const std::string& where, std::size_t columns_compared = columns,
                            double lead_most = part_lead_most) const {
    for (std::size_t c = 0; c < columns_compared; ++c) {
      for (std::size_t o = 0; o < parts.size(); ++o) {
        EXPECT_GE(blended[c], parts[o][c] - lead_most)
            << where << ", " << column_names[c] << ", against suffixes of up to " << o;
      }
    }
  }
};

class log_kind_of : public ::testing::TestWithParam<std::size_t> {};

TEST_P(log_kind_of, IsForeseenAtMostALittleWorseThanByItsBestPart) {
  const auto kind = static_cast<testing::log_kind>(GetParam());
  comparison all;
  constexpr std::array<std::size_t, 3> casts = {12, 30, 8};
  constexpr std::array<std::size_t, 3> cases = {900, 700, 1200};
  // A log of sixty cases asks 150 questions, of which one alone is worth more than the bound.
  const std::size_t logs = kind == testing::log_kind::few_cases ? 60 : 3;
  for (std::uint64_t seed = 1; seed <= logs; ++seed) {
    const std::size_t n = seed % casts.size();
    all.add(evaluate_log(testing::kind_generator(kind, seed, cases[n], casts[n]).log()));
  }
  // Where there is nothing to learn, the end of the case is the best guess after most steps, and a
  // miss where the end is not counted: no ranking is the best in both columns.
  const bool columns_agree = kind != testing::log_kind::noise;
  all.expect_no_part_leads("kind " + std::to_string(GetParam()),
                           columns_agree ? columns : columns - 1,
                           kind == testing::log_kind::few_cases ? 0.01 : part_lead_most);
}

INSTANTIATE_TEST_SUITE_P(Evaluation, log_kind_of,
                         ::testing::Range(std::size_t{0}, testing::log_kinds));

class recorded_log : public ::testing::TestWithParam<const char*> {};

TEST_P(recorded_log, RecordedIsForeseenAtMostALittleWorseThanByItsBestPart) {
  const std::string file = testing::recording(GetParam());
  if (file.empty()) GTEST_SKIP() << "no reference recordings here";
  comparison one;
  one.add(evaluate_log(testing::read_log(file)));
  one.expect_no_part_leads(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Evaluation, recorded_log,
                         ::testing::Values("loan-work-items.csv.gz", "env_permit.csv.gz",
                                           "helpdesk.csv.gz", "gentd26-november.csv.gz"));

}  // namespace
}  // namespace greenroom::runtime
