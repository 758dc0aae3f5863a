// A scrape: every family has samples, and the samples are right.
#include "actors/node/node.hpp"

#include <gtest/gtest.h>

#include <malloc.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

/// Prometheus' text format, as far as a node writes it. Anything else is a failure.
class exposition {
public:
  struct family {
    std::string type;
    std::map<std::string, double> samples;  ///< By `name{labels}`.
  };

  explicit exposition(const std::string& text) {
    std::istringstream lines{text};
    std::string line, open;
    while (std::getline(lines, line)) {
      std::istringstream words{line};
      std::string first, second, third;
      words >> first >> second >> third;
      if (first == "#") {
        if (second == "HELP") {
          EXPECT_TRUE(families.emplace(third, family{}).second) << third << " is there twice";
          open = third;
        } else {
          EXPECT_EQ(third, open) << line;
          words >> families[open].type;
        }
        continue;
      }
      const auto space = line.rfind(' ');
      if (space == std::string::npos) {
        ADD_FAILURE() << line;
        continue;
      }
      const auto key = line.substr(0, space);
      const auto name = key.substr(0, key.find('{'));
      EXPECT_TRUE(name == open || name == open + "_bucket" || name == open + "_sum"
                  || name == open + "_count")
          << name << " stands under " << open;
      EXPECT_TRUE(
          families[open].samples.emplace(key, std::strtod(&line[space + 1], nullptr)).second)
          << key << " is there twice";
    }
  }

  [[nodiscard]] double value(const std::string& key) const {
    const auto name = key.substr(0, key.find('{'));
    for (const auto& [family_name, one] : families)
      if (name.starts_with(family_name))
        if (const auto found = one.samples.find(key); found != one.samples.end())
          return found->second;
    return std::numeric_limits<double>::quiet_NaN();
  }

  std::map<std::string, family> families;
};

config::department department_of(const std::string& name, const std::vector<std::string>& members) {
  config::department result;
  result.name = name;
  for (const auto& member : members) {
    config::specialist one;
    one.name = member;
    one.backend.kind = config::backend_kind::function;
    result.specialists.push_back(one);
  }
  return result;
}

/// The department's histogram is cumulative, and its last bucket equals its count.
void expect_cumulative(const exposition& scraped, const std::string& labels) {
  const auto count = scraped.value("greenroom_task_duration_seconds_count" + labels);
  std::map<double, double> buckets;
  const auto open = labels.substr(0, labels.size() - 1) + ",le=\"";
  for (const auto& [key, value] : scraped.families.at("greenroom_task_duration_seconds").samples)
    if (const auto at = key.find(open); at != std::string::npos)
      buckets[std::strtod(&key[at + open.size()], nullptr)] = value;
  ASSERT_GT(buckets.size(), 10U) << labels;
  EXPECT_TRUE(std::isinf(buckets.rbegin()->first)) << labels;
  EXPECT_EQ(buckets.rbegin()->second, count) << labels;
  double before = 0;
  for (const auto& [bound, value] : buckets) {
    EXPECT_GE(value, before) << labels << " at " << bound;
    before = value;
  }
}

class ScrapedNode : public testing::Test {
protected:
  void SetUp() override {
    config::node configuration;
    // Enough to make the families longer than any small buffer.
    configuration.departments = {department_of("WORDS", {"echo", "fails"}),
                                 department_of("IDLE", {"never"})};
    for (int i = 0; i < 40; ++i)
      configuration.departments.push_back(
          department_of("MORE-" + std::to_string(i), {"more-" + std::to_string(i)}));
    std::vector<node::registration> functions{
        {"echo", [](const std::string& input) { return input; }},
        {"fails", [](const std::string&) -> std::string { throw std::runtime_error{"no"}; }},
        {"never", [](const std::string& input) { return input; }}};
    for (int i = 0; i < 40; ++i)
      functions.push_back(
          {"more-" + std::to_string(i), [](const std::string& input) { return input; }});
    node::options how;
    how.without_journal = true;
    auto started = node::start(configuration, std::move(functions), how);
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
  }
  task_view ask(const std::string& specialist) {
    task_request request;
    request.specialist = specialist;
    return node_->submit(std::move(request)).get();
  }
  /// Runs `good` tasks that complete and `bad` tasks that fail.
  void run_tasks(int good, int bad) {
    for (int i = 0; i < good; ++i) EXPECT_EQ(ask("echo").state, protocols::task_state::completed);
    for (int i = 0; i < bad; ++i) EXPECT_EQ(ask("fails").state, protocols::task_state::failed);
  }

  std::unique_ptr<node> node_;
};

TEST_F(ScrapedNode, HasASampleInEveryFamilyBeforeAndAfterTasks) {
  for (const auto* when : {"before", "after"}) {
    const exposition scraped{node_->metrics()};
    EXPECT_GT(scraped.families.size(), 25U);
    for (const auto& [name, one] : scraped.families) {
      EXPECT_FALSE(one.samples.empty()) << name << " has no sample, " << when;
      EXPECT_FALSE(one.type.empty()) << name;
      for (const auto& [key, value] : one.samples) EXPECT_TRUE(std::isfinite(value)) << key;
    }
    for (int i = 0; i < 3; ++i) {
      ask("echo");
      ask("fails");
    }
  }
}

TEST_F(ScrapedNode, CountsTasksByOutcome) {
  constexpr int good = 12, bad = 4;
  run_tasks(good, bad);
  const exposition scraped{node_->metrics()};
  const auto ended = [&](const std::string& specialist, const std::string& of,
                         const std::string& how) {
    return scraped.value("greenroom_tasks_total{specialist=\"" + specialist + "\",department=\""
                         + of + "\",outcome=\"" + how + "\"}");
  };
  EXPECT_EQ(ended("echo", "WORDS", "completed"), good);
  EXPECT_EQ(ended("fails", "WORDS", "failed"), bad);
  EXPECT_EQ(ended("fails", "WORDS", "completed"), 0);
  EXPECT_EQ(ended("never", "IDLE", "completed"), 0);
  EXPECT_EQ(scraped.value("greenroom_tasks_accepted_total"), good + bad);
  EXPECT_EQ(scraped.value("greenroom_tasks_pending"), 0);
  EXPECT_EQ(scraped.value("greenroom_tasks_lost"), 0);
  EXPECT_EQ(scraped.value(R"(greenroom_pool_tasks_total{pool="intelligent",outcome="completed"})"),
            good);
  EXPECT_EQ(scraped.value(R"(greenroom_pool_tasks_total{pool="intelligent",outcome="failed"})"),
            bad);
  double restarts = 0, waiting = 0;
  for (const auto& [key, value] : scraped.families.at("greenroom_actor_restarts_total").samples)
    restarts += value;
  for (const auto& [key, value] : scraped.families.at("greenroom_queue_depth").samples)
    waiting += value;
  EXPECT_EQ(scraped.families.at("greenroom_queue_depth").samples.size(), 42U);
  EXPECT_EQ(restarts, 0);
  EXPECT_EQ(waiting, 0);
  double states = 0;
  for (const auto& [key, value] : scraped.families.at("greenroom_specialists").samples)
    states += value;
  EXPECT_EQ(states, 43);
}

TEST_F(ScrapedNode, MeasuresDurationsByDepartment) {
  constexpr int good = 12, bad = 4;
  run_tasks(good, bad);
  const exposition scraped{node_->metrics()};
  const auto& durations = scraped.families.at("greenroom_task_duration_seconds");
  EXPECT_EQ(durations.type, "histogram");
  std::set<std::string> departments;
  for (const auto& [key, value] : durations.samples)
    if (key.find("_count{") != std::string::npos) departments.insert(key.substr(key.find('{')));
  EXPECT_EQ(departments.size(), 42U);
  for (const auto& labels : departments) {
    const bool busy = labels == R"({department="WORDS"})";
    const auto count = scraped.value("greenroom_task_duration_seconds_count" + labels);
    const auto sum = scraped.value("greenroom_task_duration_seconds_sum" + labels);
    EXPECT_EQ(count, busy ? good + bad : 0) << labels;
    EXPECT_EQ(sum > 0, busy) << labels;
    EXPECT_LT(sum, 60) << labels;
    ASSERT_NO_FATAL_FAILURE(expect_cumulative(scraped, labels));
  }
}

TEST_F(ScrapedNode, DoesNotGrowWithScrapes) {
  for (int i = 0; i < 20; ++i) static_cast<void>(node_->metrics());
  const auto before = ::mallinfo2().uordblks;
  for (int i = 0; i < 200; ++i) static_cast<void>(node_->metrics());
  const auto after = ::mallinfo2().uordblks;
  // Other threads allocate too; 11 kB per scrape would be 2 MB.
  EXPECT_LT(after, before + 400'000);
}

}  // namespace
}  // namespace greenroom::tests
