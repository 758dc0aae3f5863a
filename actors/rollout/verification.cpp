#include "actors/rollout/verification.hpp"

#include "actors/rollout/readiness.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/units.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

namespace greenroom::actors {

using machine::task_outcome;
using protocols::pool_kind;
using runtime::rollout::check, runtime::rollout::rollback_plan;

namespace {

constexpr double ask_again_s = 1;  // Those that did not answer; a breaker may have to close.

std::uint64_t difference(std::uint64_t now, std::uint64_t before) {
  return now - std::min(now, before);
}

std::string text_of(const char* format, double a, double b) {
  char text[96];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

}  // namespace

struct verification::round {
  std::mutex mutex;
  double begun_s = 0;
  std::size_t open = 0;  // Have been asked and have not answered.
  std::map<std::string, probe_answer> answers;
};

verification::verification(const verification_parts& parts, command_probe probe)
    : parts_{parts}, probe_{std::move(probe)} {}

verification::~verification() = default;

void verification::count_from_here() {
  const auto& gauge = parts_.pools.of(pool_kind::baseline).gauge;
  for (std::size_t e = 0; e < ends_before_.size(); ++e) ends_before_[e] = gauge.ends(e);
  refused_before_ = parts_.ends.refused(pool_kind::baseline);
  shed_before_ = machine::count_of(gauge.shed_open);
  time_before_ns_ = gauge.time_sum_ns();
}

void verification::ask_anew() { asked_.reset(); }

void verification::ask(const std::vector<std::string>& commands, double now_s) {
  if (!asked_) asked_ = std::make_shared<round>();
  {
    const std::lock_guard lock{asked_->mutex};
    asked_->begun_s = now_s;
    asked_->open += commands.size();
  }
  for (const auto& command : commands)
    probe_(command, [command, into = asked_](probe_answer said) {
      const std::lock_guard lock{into->mutex};
      into->answers[command] = std::move(said);
      --into->open;
    });
}

verification::finding verification::commands(bool reachable, double now_s) {
  const auto& configured = parts_.catalogs.now().config.commands;
  if (const auto dead = dead_command(parts_.readiness); !dead.empty())
    return {false, "no specialist answers " + dead};
  if (configured.empty()) return {reachable, "there are no commands"};
  const auto count =
      std::to_string(configured.size()) + (configured.size() == 1 ? " command" : " commands");
  if (!probe_)
    return {reachable,
            count + (reachable ? " lead" : " do not all lead") + " to workers that are up"};
  if (!reachable) return {false, "the commands are asked when every worker is up"};
  std::vector<std::string> wanted;
  if (!asked_) {
    for (const auto& [command, to] : configured) wanted.push_back(command);
    ask(wanted, now_s);
  }
  std::unique_lock lock{asked_->mutex};
  if (asked_->open > 0)
    return {false, std::to_string(asked_->answers.size()) + " of " + count + " answered so far"};
  std::string example;
  for (const auto& [command, to] : configured) {
    const auto found = asked_->answers.find(command);
    if (found != asked_->answers.end() && found->second.answered) {
      example = command + ": " + found->second.said;
      continue;
    }
    wanted.push_back(command);
  }
  const auto* were = configured.size() == 1 ? " was" : " were";
  if (wanted.empty()) return {true, count + were + " run and answered (" + example + ")"};
  const auto& worst = asked_->answers[wanted.front()];
  finding result{false, std::to_string(wanted.size()) + " of " + count + " did not answer; "
                            + wanted.front() + ": " + worst.said};
  const bool again = now_s - asked_->begun_s >= ask_again_s;
  lock.unlock();
  if (again) ask(wanted, now_s);
  return result;
}

std::uint64_t verification::grown(task_outcome which) const {
  const auto e = static_cast<std::size_t>(which);
  return difference(parts_.pools.of(pool_kind::baseline).gauge.ends(e), ends_before_[e]);
}

std::uint64_t verification::ended_since() const {
  return grown(task_outcome::completed) + grown(task_outcome::failed) + grown(task_outcome::timeout)
         + grown(task_outcome::unknown);
}

verification::finding verification::errors() const {
  const auto shed = difference(
      machine::count_of(parts_.pools.of(pool_kind::baseline).gauge.shed_open), shed_before_);
  const auto tasks = ended_since() + shed;
  auto bad = tasks - grown(task_outcome::completed);
  bad -= std::min(bad, difference(parts_.ends.refused(pool_kind::baseline), refused_before_));
  const auto rate = tasks == 0 ? 0 : static_cast<double>(bad) / static_cast<double>(tasks);
  return {rate <= parts_.catalogs.now().config.rollout.criteria.error_rate,
          std::to_string(bad) + " of " + std::to_string(tasks) + " tasks failed since the switch"};
}

verification::finding verification::latency(const runtime::monitoring::pool_sample& baseline,
                                            std::optional<double> usual_ms) const {
  const auto tasks = ended_since();
  if (tasks == 0) return {true, "no task ended since the switch"};
  const auto& config = parts_.catalogs.now().config;
  const auto passed_ns =
      difference(parts_.pools.of(pool_kind::baseline).gauge.time_sum_ns(), time_before_ns_);
  const auto mean = static_cast<double>(passed_ns) * 1e-6 / static_cast<double>(tasks);
  if (!usual_ms)
    return {true, text_of("%.1f ms on average; the baseline was not measured before", mean, 0)};
  const auto allowed =
      std::max(*usual_ms * config.rollout.criteria.response_ratio, *usual_ms + slack_of(config));
  // Tasks that were moved bring their waiting with them, so a switch under load takes a moment.
  const auto& recent = baseline.response_p50_ms;
  auto text = text_of("%.1f ms on average; at most %.1f wanted", mean, allowed);
  const bool usual_again = mean > allowed && recent && *recent <= allowed;
  if (usual_again)
    text += text_of("; the median is below it again (%.1f of %.1f ms)", *recent, allowed);
  return {mean <= allowed || usual_again, std::move(text)};
}

verification::finding verification::monitoring(double now_s) const {
  const auto interval = seconds_of(parts_.catalogs.now().config.health_interval);
  const auto checked_at =
      parts_.board.read([](const status_board::content& board) { return board.checked_at_s; });
  if (checked_at <= 0 || now_s - checked_at > 3 * interval + 1)
    return {false, "the monitor has not checked"};
  return {true, text_of("last check %.1f s ago, every %.1f s", now_s - checked_at, interval)};
}

void verification::go_through(rollback_plan& plan, const runtime::monitoring::pool_sample& baseline,
                              std::optional<double> usual_ms, double now_s) {
  const auto tell = [&](check what, finding found) {
    // The last check to pass ends the plan.
    if (!plan.finished())
      static_cast<void>(plan.checked(what, found.passed, std::move(found.text), now_s));
  };
  const auto count = baseline_count(parts_.readiness);
  const bool reachable = count.warm == count.all;
  tell(check::specialists_reachable,
       {reachable, std::to_string(count.warm) + " of " + std::to_string(count.all)
                       + " baseline workers are up"});
  tell(check::errors_at_baseline, errors());
  tell(check::latency_at_baseline, latency(baseline, usual_ms));
  const auto ledger = ledger_now(parts_.readiness);
  tell(check::no_task_lost, {ledger.balanced, ledger.text});
  tell(check::monitoring_up, monitoring(now_s));
  // The last, because it takes longest: whatever ends the plan, all else was looked at just now.
  tell(check::commands_answer, commands(reachable, now_s));
}

}  // namespace greenroom::actors
