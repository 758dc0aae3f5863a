#include "apps/load/load_report.hpp"

#include "apps/client/asking.hpp"
#include "protocols/plain_text.hpp"

#include <algorithm>
#include <cstdio>

namespace greenroom::apps {
namespace {

using nlohmann::json;
namespace load = runtime::load;

double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

std::vector<std::string> latency_cells(const char* name, const load::latency_recorder& from) {
  const auto at = [&](double q) { return fixed(milliseconds(from.quantile(q)), 2); };
  return {name,      fixed(from.mean() / 1e6, 2),       at(0.5), at(0.9), at(0.95), at(0.99),
          at(0.999), fixed(milliseconds(from.max()), 2)};
}

}  // namespace

void load_display::show(const load_progress& now) {
  if (!is_terminal()) return;
  const auto ended = now.so_far->ended();
  if (now.elapsed_s > last_s_) {
    rate_ = static_cast<double>(ended - last_ended_) / (now.elapsed_s - last_s_);
    last_s_ = now.elapsed_s;
    last_ended_ = ended;
  }
  constexpr std::size_t bar_width = 24;
  std::string bar;
  if (duration_s_ > 0) {
    const auto full = static_cast<std::size_t>(std::min(1.0, now.elapsed_s / duration_s_)
                                               * static_cast<double>(bar_width));
    for (std::size_t at = 0; at < bar_width; ++at) bar += at < full ? "█" : "░";
    bar += ' ';
  }
  const auto& so_far = *now.so_far;
  // Two lines, so that both fit 80 columns.
  block_.draw(
      {bar + fixed(now.elapsed_s, 0) + (duration_s_ > 0 ? "/" + fixed(duration_s_, 0) : "") + " s  "
           + grouped(now.sent) + " sent  " + fixed(rate_, 0) + "/s  "
           + std::to_string(now.in_flight) + " in flight",
       "p50 " + fixed(milliseconds(so_far.response.quantile(0.5)), 1) + "  p95 "
           + fixed(milliseconds(so_far.response.quantile(0.95)), 1) + " ms  "
           + paint(grouped(so_far.shed) + " shed", so_far.shed > 0 ? colour::yellow : colour::none)
           + "  "
           + paint(grouped(so_far.failed + so_far.broken + so_far.timed_out) + " failed",
                   so_far.error_rate() > 0 ? colour::red : colour::none)});
}

json latency_json(const load::latency_recorder& from) {
  const auto at = [&](double q) { return milliseconds(from.quantile(q)); };
  return {{"mean_ms", from.mean() / 1e6},
          {"min_ms", milliseconds(from.min())},
          {"p50_ms", at(0.5)},
          {"p90_ms", at(0.9)},
          {"p95_ms", at(0.95)},
          {"p99_ms", at(0.99)},
          {"p999_ms", at(0.999)},
          {"max_ms", milliseconds(from.max())}};
}

bool is_good(const load_outcome& result, const std::vector<load::threshold>& thresholds) {
  if (result.unreachable || result.gone || result.summary.completed == 0) return false;
  if (thresholds.empty()) return result.unanswered == 0;
  return std::ranges::all_of(thresholds,
                             [&](const auto& one) { return load::meets(result.summary, one); });
}

json report_json(const std::string& name, const load_outcome& result,
                 const std::vector<load::threshold>& thresholds) {
  const auto& summary = result.summary;
  json statuses = json::object();
  for (const auto& [status, count] : result.statuses) statuses[std::to_string(status)] = count;
  json judged = json::array();
  for (const auto& one : thresholds) {
    const bool met = load::meets(summary, one);
    judged.push_back({{"threshold", to_string(one)},
                      {"value", load::metric_of(summary, one.metric)},
                      {"met", met}});
  }
  return {{"name", name},
          {"measured_s", summary.measured_s},
          {"elapsed_s", result.elapsed_s},
          {"sent", result.sent},
          {"measured", summary.ended()},
          {"completed", summary.completed},
          {"shed", summary.shed},
          {"timed_out", summary.timed_out},
          {"failed", summary.failed},
          {"broken", summary.broken},
          {"cold_starts", summary.cold_starts},
          {"throughput", summary.throughput()},
          {"error_rate", summary.error_rate()},
          {"shed_rate", summary.shed_rate()},
          {"warm_hit_rate", load::metric_of(summary, "warm_hit_rate")},
          {"response", latency_json(summary.response)},
          {"service", latency_json(summary.service)},
          {"driver_late_ms", result.latest_s * 1e3},
          {"statuses", statuses},
          {"unanswered", result.unanswered},
          {"first_error", result.first_error},
          {"interrupted", result.interrupted},
          {"thresholds", judged},
          {"ok", is_good(result, thresholds)}};
}

void print_report(const std::string& name, const load_outcome& result,
                  const std::vector<load::threshold>& thresholds) {
  const auto& summary = result.summary;
  std::printf("%s: %s requests measured in %s s, %s completed a second%s\n",
              paint(name, colour::bold).c_str(), grouped(summary.ended()).c_str(),
              fixed(summary.measured_s, 1).c_str(), fixed(summary.throughput(), 1).c_str(),
              result.interrupted ? " (interrupted)" : "");
  print_text(grouped(summary.completed) + " completed, " + grouped(summary.shed) + " shed, "
             + grouped(summary.timed_out) + " timed out, " + grouped(summary.failed) + " failed, "
             + grouped(summary.broken) + " without answer; " + grouped(summary.cold_starts)
             + " cold (" + fixed(load::metric_of(summary, "warm_hit_rate") * 100, 1)
             + " % warm hits)\n\n");
  table rows{{{"ms"},
              {"mean", true},
              {"p50", true},
              {"p90", true},
              {"p95", true},
              {"p99", true},
              {"p99.9", true},
              {"max", true}}};
  rows.add(latency_cells("from the intended moment", summary.response));
  rows.add(latency_cells("from the real sending", summary.service));
  std::printf("%s", rows.text().c_str());
  if (!result.first_error.empty())
    std::printf("\nfirst error: %s\n",
                paint(protocols::plain_text(result.first_error), colour::red).c_str());
  if (result.latest_s > 0.1)
    std::printf("\nthe latest request was sent %s ms after its moment\n",
                fixed(result.latest_s * 1e3, 0).c_str());
  if (!thresholds.empty()) std::printf("\n");
  for (const auto& one : thresholds) {
    const bool met = load::meets(summary, one);
    std::printf("%s %-24s %s\n",
                paint(met ? "met   " : "MISSED", met ? colour::green : colour::red).c_str(),
                to_string(one).c_str(), fixed(load::metric_of(summary, one.metric), 4).c_str());
  }
}

int report_load(const std::string& name, const load_outcome& result, const std::string& node,
                const std::vector<load::threshold>& thresholds, bool as_json) {
  if (result.unreachable) {
    say_problem("unreachable", "the node at " + node + " could not be reached (" + result.first_error
                                   + ") — is it running? Start one with: greenroom serve "
                                     "--profile production");
    return unreachable;
  }
  if (as_json)
    print_json(report_json(name, result, thresholds));
  else
    print_report(name, result, thresholds);
  // Keeps stdout before stderr when both go to the same file.
  std::fflush(stdout);
  const auto unanswered = grouped(result.unanswered) + " of " + grouped(result.sent)
                          + (result.sent == 1 ? " request" : " requests") + " got no answer";
  const auto first =
      result.first_error.empty() ? std::string{} : "; the first error: " + result.first_error;
  if (result.gone) {
    say_problem("unreachable",
                "the node at " + node + " went away during the load: " + unanswered + first
                    + " — greenroom serve starts it again",
                {{"unanswered", result.unanswered}, {"sent", result.sent}});
    return unreachable;
  }
  const bool good = is_good(result, thresholds);
  if (result.summary.ended() == 0)
    say_problem("failed", "nothing was measured — is the load longer than its warm-up?");
  else if (result.summary.completed == 0)
    say_problem("failed", "not one request was completed" + first);
  else if (!good && thresholds.empty())
    say_problem("failed", unanswered + first + " — allow some with a threshold such as "
                                               "error_rate<0.01",
                {{"unanswered", result.unanswered}, {"sent", result.sent}});
  return good ? done : failed;
}

}  // namespace greenroom::apps
