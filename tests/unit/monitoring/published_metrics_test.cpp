// The dashboard, the rules and the list of metrics have to agree with each other.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/monitoring/alert_rules.hpp"
#include "runtime/rollout/json_fields.hpp"
#include "runtime/rollout/rollback_watch.hpp"
#include "runtime/rollout/rollout_plan.hpp"
#include "runtime/rollout/shadow_comparison.hpp"

namespace {

std::string contents(const std::string& path) {
  std::ifstream file{std::string(GREENROOM_SOURCE_DIR) + "/" + path};
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Every identifier in a PromQL text that is one of ours.
std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> out;
  for (std::size_t i = text.find("greenroom"); i != std::string::npos;
       i = text.find("greenroom", i + 1)) {
    if (i > 0
        && (std::isalnum(static_cast<unsigned char>(text[i - 1])) || text[i - 1] == '_'
            || text[i - 1] == '/' || text[i - 1] == '-' || text[i - 1] == ':')) {
      continue;
    }
    auto end = i;
    while (end < text.size()
           && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'
               || text[end] == ':')) {
      ++end;
    }
    const auto name = text.substr(i, end - i);
    if (name.find_first_of("_:") != std::string::npos) out.insert(name);
  }
  return out;
}

/// The table of config/prometheus/README.md: name → type.
std::map<std::string, std::string> listed() {
  std::map<std::string, std::string> out;
  std::istringstream lines{contents("config/prometheus/README.md")};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `greenroom_")) continue;
    const auto name_end = line.find('`', 3);
    const auto type_from = line.find("| ", name_end) + 2;
    out[line.substr(3, name_end - 3)] =
        line.substr(type_from, line.find(' ', type_from) - type_from);
  }
  return out;
}

std::set<std::string> recorded() {
  std::set<std::string> out;
  std::istringstream lines{contents("config/prometheus/recording.yml")};
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("record: ");
    if (at != std::string::npos) out.insert(line.substr(at + 8));
  }
  return out;
}

/// Exported, or recorded; the parts of a histogram count as the histogram.
bool known(const std::string& name) {
  static const auto exported = listed();
  static const auto rules = recorded();
  if (exported.contains(name) || rules.contains(name)) return true;
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto found = exported.find(name.substr(0, name.size() - suffix.size()));
    if (found != exported.end() && found->second == "histogram") return true;
  }
  return false;
}

std::vector<std::string> queries_of_dashboard() {
  const auto fields =
      greenroom::runtime::rollout::json_fields(contents("config/grafana/greenroom.json"), 100000);
  EXPECT_TRUE(fields);
  std::vector<std::string> out;
  for (const auto& each : *fields) {
    if (each.path.ends_with(".expr") || each.path.ends_with(".definition")) {
      out.push_back(each.value);
    }
  }
  return out;
}

/// PromQL in the rule files: all but comments, names and annotations.
std::string queries_of(const std::string& path) {
  std::istringstream lines{contents(path)};
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const auto text = line.find_first_not_of(' ');
    if (text == std::string::npos || line[text] == '#') continue;
    if (line.find("action:") != std::string::npos || line.find("summary:") != std::string::npos
        || line.find("name:") != std::string::npos || line.find("record:") != std::string::npos) {
      continue;
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace

TEST(PublishedMetrics, AreListedOnceWithATypeAndANameThatFitsIt) {
  const auto all = listed();
  EXPECT_GT(all.size(), 30u);
  for (const auto& [name, type] : all) {
    EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << name;
    EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
  }
}

TEST(PublishedMetrics, AreAllThatTheDashboardAsksFor) {
  const auto queries = queries_of_dashboard();
  EXPECT_GT(queries.size(), 40u);
  for (const auto& query : queries) {
    const auto names = names_in(query);
    EXPECT_FALSE(names.empty()) << query;
    for (const auto& name : names) EXPECT_TRUE(known(name)) << name << " in " << query;
  }
}

TEST(PublishedMetrics, AreAllThatTheRulesAskFor) {
  for (const char* path : {"config/prometheus/recording.yml", "config/prometheus/alerts.yml"}) {
    const auto names = names_in(queries_of(path));
    EXPECT_GT(names.size(), 8u) << path;
    for (const auto& name : names) EXPECT_TRUE(known(name)) << name << " in " << path;
  }
}

TEST(PublishedMetrics, ListEveryLabelValueThatTheCodeHas) {
  using namespace greenroom::runtime::rollout;
  const auto text = contents("config/prometheus/README.md");
  const auto line_of = [&](const std::string& name) {
    const auto at = text.find("| `" + name + "`");
    EXPECT_NE(at, std::string::npos) << name;
    return text.substr(at, text.find('\n', at) - at);
  };
  for (const auto each : {trigger::error_rate, trigger::response_time, trigger::memory_use,
                          trigger::memory_efficiency, trigger::health, trigger::critical_alerts,
                          trigger::success_rate, trigger::judge, trigger::by_hand}) {
    EXPECT_NE(line_of("greenroom_rollbacks_total").find(name_of(each)), std::string::npos);
  }
  for (const auto each :
       {phase::idle, phase::preparation, phase::shadow_mode, phase::partial_rollout,
        phase::full_deployment, phase::optimization, phase::complete}) {
    EXPECT_NE(line_of("greenroom_rollout_phase").find(name_of(each)), std::string::npos);
  }
  for (std::size_t i = 0; i < shadow_drop_count; ++i) {
    EXPECT_NE(line_of("greenroom_mirror_drops_total").find(name_of(static_cast<shadow_drop>(i))),
              std::string::npos);
  }
}

TEST(PublishedMetrics, FindANameThatIsNotThere) {
  EXPECT_FALSE(known("greenroom_mood_ratio"));
  EXPECT_FALSE(known("greenroom_uptime_seconds_bucket"));
  EXPECT_TRUE(known("greenroom_task_duration_seconds_bucket"));
  EXPECT_EQ(names_in("rate(greenroom_a_total[1m]) / greenroom:b:c"),
            (std::set<std::string>{"greenroom_a_total", "greenroom:b:c"}));
}
