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

/// Every identifier in a PromQL text that starts with greenroom.
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

/// The rows of the table in config/prometheus/README.md: name and type.
std::multimap<std::string, std::string> documented_metrics() {
  std::multimap<std::string, std::string> out;
  std::istringstream lines{contents("config/prometheus/README.md")};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `greenroom_")) continue;
    const auto name_end = line.find('`', 3);
    const auto type_from = line.find("| ", name_end) + 2;
    out.emplace(line.substr(3, name_end - 3),
                line.substr(type_from, line.find(' ', type_from) - type_from));
  }
  return out;
}

std::set<std::string> recording_rule_names() {
  std::set<std::string> out;
  std::istringstream lines{contents("config/prometheus/recording.yml")};
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("record: ");
    if (at != std::string::npos) out.insert(line.substr(at + 8));
  }
  return out;
}

/// Exported, or recorded; the parts of a histogram count as the histogram.
bool is_documented(const std::string& name) {
  static const auto exported = documented_metrics();
  static const auto rules = recording_rule_names();
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

/// The expressions of a rule file: all but comments, names and annotations.
std::string rule_expressions(const std::string& path) {
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

TEST(PublishedMetrics, AreListedOnceAndTheNameFitsTheType) {
  const auto all = documented_metrics();
  EXPECT_GT(all.size(), 30u);
  for (const auto& [name, type] : all) {
    EXPECT_EQ(all.count(name), 1U) << name;
    EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << name;
    EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
  }
}

TEST(PublishedMetrics, DashboardUsesOnlyKnownMetrics) {
  const auto queries = queries_of_dashboard();
  EXPECT_GT(queries.size(), 40u);
  for (const auto& query : queries) {
    const auto names = names_in(query);
    EXPECT_FALSE(names.empty()) << query;
    for (const auto& name : names) EXPECT_TRUE(is_documented(name)) << name << " in " << query;
  }
}

TEST(PublishedMetrics, RulesUseOnlyKnownMetrics) {
  for (const char* path : {"config/prometheus/recording.yml", "config/prometheus/alerts.yml"}) {
    const auto names = names_in(rule_expressions(path));
    EXPECT_GT(names.size(), 8u) << path;
    for (const auto& name : names) EXPECT_TRUE(is_documented(name)) << name << " in " << path;
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
  for (std::size_t i = 0; i < trigger_count; ++i) {
    const auto name = name_of(static_cast<trigger>(i));
    EXPECT_NE(line_of("greenroom_rollbacks_total").find(name), std::string::npos) << name;
  }
  for (std::size_t i = 0; i < phase_count; ++i) {
    const auto name = name_of(static_cast<phase>(i));
    EXPECT_NE(line_of("greenroom_rollout_phase").find(name), std::string::npos) << name;
  }
  for (std::size_t i = 0; i < shadow_drop_count; ++i) {
    EXPECT_NE(line_of("greenroom_mirror_drops_total").find(name_of(static_cast<shadow_drop>(i))),
              std::string::npos);
  }
}

TEST(PublishedMetrics, RejectsUnknownNames) {
  EXPECT_FALSE(is_documented("greenroom_mood_ratio"));
  EXPECT_FALSE(is_documented("greenroom_uptime_seconds_bucket"));
  EXPECT_TRUE(is_documented("greenroom_task_duration_seconds_bucket"));
  EXPECT_EQ(names_in("rate(greenroom_a_total[1m]) / greenroom:b:c"),
            (std::set<std::string>{"greenroom_a_total", "greenroom:b:c"}));
}
