#include "runtime/rollout/deployment_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/rollout/json_fields.hpp"

using namespace greenroom::runtime::rollout;

namespace {

constexpr double first_of_may = 1'714'564'800;

deployment_report filled() {
  deployment_report out;
  out.made_at_s = first_of_may + 3600;
  out.from_s = first_of_may;
  out.to_s = first_of_may + 3600;
  out.node = "127.0.0.1:7117";
  out.version = "0.1.0";
  out.profile = "production";
  out.specialists = 83;
  out.at = phase::partial_rollout;
  out.routes = mode::hybrid;
  out.stands = standing::running;
  out.percentage = 50;
  out.before.memory_mb = 5478;
  out.after.memory_mb = 1122;
  out.before.response_mean_ms = 40;
  out.after.response_mean_ms = 65.5;
  out.before.error_rate = 0.01;
  out.after.error_rate = 0.012;
  out.after.tasks = 1000;
  out.quality = {0.9995, 0.75, std::nullopt};
  out.ledger = balance({1000, 990, 10, 0, 0, 0, 0});
  out.decisions.push_back({1, 1, first_of_may, decision_kind::started, phase::preparation,
                           mode::idle, 0, "", "by <b>ada</b> | & co", "", false});
  auto plan = rollback_plan::begin(3, rollback_kind::emergency, trigger::error_rate,
                                   "error_rate 20 %", 50, first_of_may + 100);
  plan.carried_out(order::switch_to_baseline, 0, first_of_may + 100.25);
  plan.carried_out(order::requeue, 4, first_of_may + 100.5);
  plan.carried_out(order::drain, 2, first_of_may + 103);
  for (std::size_t i = 0; i < check_count; ++i) {
    plan.checked(static_cast<check>(i), true, "ok", first_of_may + 104);
  }
  cause_report analysis;
  analysis.summary = "First, a: b";
  cause_finding finding;
  finding.subject = "react-specialist";
  finding.rank = 1;
  finding.text = "react-specialist: response_p95_ms went up";
  finding.before.push_back({first_of_may + 90, "percentage", "", "25 % to 50 %"});
  analysis.findings.push_back(finding);
  out.rollbacks.push_back({plan, cause_json(analysis)});
  out.shadow = shadow_summary{};
  out.shadow->mirrored = 500;
  out.differences.push_back({"api-architect", "items[].id", 100, 4, 20, 0, true});
  greenroom::runtime::monitoring::alert alert;
  alert.rule = "memory-warning";
  alert.text = "more than 80 %";
  alert.firing_since_s = first_of_may + 50;
  out.alerts.push_back(alert);
  line_chart chart;
  chart.title = "Memory <MB>";
  chart.unit = "MB";
  chart.lines = {{"always warm", {{first_of_may, 5478}, {first_of_may + 3600, 5478}}, true},
                 {"intelligent",
                  {{first_of_may, 900}, {first_of_may + 1800, 1300}, {first_of_may + 3600, 1122}},
                  false}};
  chart.marks = {{first_of_may + 100, "rollback"}};
  out.charts.push_back(chart);
  return out;
}

std::optional<std::string> field(const std::vector<json_field>& all, std::string_view path) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.path == path; });
  if (found == all.end()) return std::nullopt;
  return found->value;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST(DeploymentReport, CountsTheCostAtHalfADollarPerMegabyteAndMonth) {
  const auto saved = savings_of(filled());
  EXPECT_DOUBLE_EQ(saved.usd_before.value(), 2739);
  EXPECT_DOUBLE_EQ(saved.usd_after.value(), 561);
  EXPECT_DOUBLE_EQ(saved.usd_saved.value(), 2178);
  EXPECT_DOUBLE_EQ(saved.memory_saved_mb.value(), 4356);
  EXPECT_NEAR(saved.memory_efficiency.value(), 0.7952, 1e-4);
  EXPECT_DOUBLE_EQ(saved.response_added_ms.value(), 25.5);
  EXPECT_NEAR(saved.response_ratio.value(), 1.6375, 1e-9);
}

TEST(DeploymentReport, SaysNotMeasuredWhereNothingWasMeasured) {
  deployment_report empty;
  EXPECT_FALSE(savings_of(empty).usd_saved);
  EXPECT_NE(report_markdown(empty).find("not measured"), std::string::npos);
  EXPECT_EQ(report_markdown(empty).find("0.00 USD"), std::string::npos);
  EXPECT_NE(report_html(empty).find("not measured"), std::string::npos);
  const auto json = json_fields(report_json(empty));
  ASSERT_TRUE(json);
  EXPECT_EQ(field(*json, "savings.usd_month_saved"), "null");
}

TEST(DeploymentReport, WritesTheSameFiguresInEveryFormat) {
  const auto report = filled();
  const auto markdown = report_markdown(report);
  const auto html = report_html(report);
  for (const char* figure :
       {"5478.0 MB", "1122.0 MB", "-4356.0 MB", "2739.00 USD/month", "+25.5 ms", "1.20 %",
        "+0.20 points", "error_rate 20 %", "4.00 s (within the budget)", "PARTIAL_ROLLOUT",
        "1000 accepted = 1000 answered + 0 pending",
        "availability 99.95 %, prediction accuracy 75.00 %, workflow detection not measured"}) {
    EXPECT_NE(markdown.find(figure), std::string::npos) << figure;
    EXPECT_NE(html.find(figure), std::string::npos) << figure;
  }
  const auto json = json_fields(report_json(report));
  ASSERT_TRUE(json);
  EXPECT_EQ(field(*json, "savings.usd_month_saved"), "2178");
  EXPECT_EQ(field(*json, "quality.availability"), "0.9995");
  EXPECT_EQ(field(*json, "quality.workflow_detection"), "null");
  EXPECT_EQ(field(*json, "phase"), "\"PARTIAL_ROLLOUT\"");
  EXPECT_EQ(field(*json, "rollbacks[0].duration_ms"), "4000");
  EXPECT_EQ(field(*json, "rollbacks[0].switched_after_ms"), "250");
  EXPECT_EQ(field(*json, "rollbacks[0].trigger"), "\"error_rate\"");
  EXPECT_EQ(field(*json, "rollbacks[0].verification.no_task_lost.state"), "\"passed\"");
  EXPECT_EQ(field(*json, "rollbacks[0].analysis.findings[0].before[0].text"), "\"25 % to 50 %\"");
  EXPECT_EQ(field(*json, "ledger.balanced"), "true");
  EXPECT_EQ(field(*json, "from"), "\"2024-05-01T12:00:00.000Z\"");
}

TEST(DeploymentReport, LetsNoTextBreakOutOfThePageOrTheTable) {
  const auto report = filled();
  const auto html = report_html(report);
  EXPECT_EQ(html.find("<b>ada"), std::string::npos);
  EXPECT_NE(html.find("&lt;b&gt;ada&lt;/b&gt; | &amp; co"), std::string::npos);
  EXPECT_EQ(html.find("Memory <MB>"), std::string::npos);
  EXPECT_NE(report_markdown(report).find("&lt;b>ada&lt;/b> \\| & co"), std::string::npos);
}

TEST(DeploymentReport, IsOneFileThatNeedsNothingFromElsewhere) {
  const auto html = report_html(filled());
  for (const char* elsewhere :
       {"http://", "https://", "<script", "<link", "<img", "@import", "url("}) {
    EXPECT_EQ(html.find(elsewhere), std::string::npos) << elsewhere;
  }
  for (const char* tag : {"table", "thead", "tbody", "svg", "main", "h2", "ol", "div", "p"}) {
    EXPECT_EQ(count(html, std::string("<") + tag + ">") + count(html, std::string("<") + tag + " "),
              count(html, std::string("</") + tag + ">"))
        << tag;
  }
}

TEST(LineChart, DrawsOneLineForEachSeriesWithinItsFrame) {
  const auto svg = svg_of(filled().charts[0]);
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_EQ(count(svg, "class=\"mark\""), 1u);
  EXPECT_NE(svg.find(">10000<"), std::string::npos) << "the axis ends at a round number";
  EXPECT_NE(svg.find(">Memory &lt;MB&gt;, MB</text>"), std::string::npos);
  EXPECT_NE(svg.find("<text class=\"mark-text\""), std::string::npos);
  EXPECT_NE(svg.find("since 2024-05-01T12:00:00.000Z"), std::string::npos);
  EXPECT_NE(svg.find("60 min"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(LineChart, SaysThatNothingWasRecordedInsteadOfDrawingIt) {
  line_chart empty;
  EXPECT_NE(svg_of(empty).find("nothing recorded"), std::string::npos);
  empty.lines = {{"one", {{first_of_may, 1}}, false}};
  EXPECT_NE(svg_of(empty).find("nothing recorded"), std::string::npos);
}

TEST(LineChart, ThinsALongSeriesWithoutLosingItsPeak) {
  line_chart chart;
  chart.lines = {{"long", {}, false}};
  for (int i = 0; i < 50000; ++i) chart.lines[0].points.push_back({first_of_may + i, 10});
  chart.lines[0].points[31234].value = 1000;
  const auto svg = svg_of(chart, 600);
  EXPECT_LT(svg.size(), 20000u);
  EXPECT_NE(svg.find(",28.0 "), std::string::npos) << "the peak touches the top of the frame";
}

TEST(LineChart, ThinsALongSeriesWithoutLosingItsDip) {
  line_chart chart;
  chart.lines = {{"long", {}, false}};
  for (int i = 0; i < 50000; ++i) chart.lines[0].points.push_back({first_of_may + i, 10});
  chart.lines[0].points[31234].value = 0;
  EXPECT_NE(svg_of(chart, 600).find(",216.0 "), std::string::npos) << "down to the axis";
}

TEST(LineChart, RoundsAxesUp) {
  EXPECT_DOUBLE_EQ(round_up(1), 1);
  EXPECT_DOUBLE_EQ(round_up(1.01), 2);
  EXPECT_DOUBLE_EQ(round_up(24), 25);
  EXPECT_DOUBLE_EQ(round_up(26), 50);
  EXPECT_DOUBLE_EQ(round_up(5478), 10000);
  EXPECT_DOUBLE_EQ(round_up(0.03), 0.05);
}
