#include "runtime/rollout/judge.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/rollout/exact_tests.hpp"
#include "runtime/rollout/formatted.hpp"

namespace greenroom::runtime::rollout {

namespace {

using count = unsigned long long;

finding judge_amount(const evidence& seen, const criteria& wanted, double now_s) {
  finding out{"traffic", verdict::pass, {}};
  if (seen.canary.tasks < wanted.min_samples) {
    out.outcome = verdict::insufficient_data;
    out.text =
        text_of("%llu of %llu tasks so far", count{seen.canary.tasks}, count{wanted.min_samples});
  } else if (!seen.last_canary_task_s || now_s - *seen.last_canary_task_s > wanted.fresh_s) {
    out.outcome = verdict::insufficient_data;
    out.text = text_of("no task for more than %.0f s", wanted.fresh_s);
  } else if (seen.control.tasks < wanted.min_control) {
    out.outcome = verdict::insufficient_data;
    out.text = text_of("%llu of %llu tasks of the baseline to compare with",
                       count{seen.control.tasks}, count{wanted.min_control});
  } else {
    out.text = text_of("%llu tasks, %llu of the baseline", count{seen.canary.tasks},
                       count{seen.control.tasks});
  }
  return out;
}

finding judge_errors(const evidence& seen, const criteria& wanted, double alpha) {
  finding out{"error_rate", verdict::pass, {}};
  const auto& canary = seen.canary;
  const auto& control = seen.control;
  if (canary.tasks == 0) {
    out.outcome = verdict::insufficient_data;
    out.text = "no tasks";
    return out;
  }
  const double rate = canary.error_rate();
  if (wanted.error_rate <= 0) {
    out.text =
        text_of("%.2f %% fail, baseline %.2f %%, no limit", 100 * rate, 100 * control.error_rate());
    return out;
  }
  if (alpha > 0) {
    const double floor = proportion_lower(canary.errors, canary.tasks, alpha / 2);
    if (floor >= wanted.error_rate) {
      out.outcome = verdict::fail;
      out.text = text_of("%.2f %% fail, certainly more than %.2f %%, where %.2f %% are allowed",
                         100 * rate, 100 * floor, 100 * wanted.error_rate);
      return out;
    }
    if (control.tasks > 0 && rate - control.error_rate() > wanted.error_margin) {
      const double p = fisher_greater(canary.errors, canary.tasks, control.errors, control.tasks);
      if (p <= alpha / 2) {
        out.outcome = verdict::fail;
        out.text = text_of("%llu of %llu fail, of the baseline %llu of %llu (p %.2g, limit %.2g)",
                           count{canary.errors}, count{canary.tasks}, count{control.errors},
                           count{control.tasks}, p, alpha / 2);
        return out;
      }
    }
  }
  out.outcome = rate < wanted.error_rate ? verdict::pass : verdict::hold;
  out.text = text_of("%.2f %% fail, baseline %.2f %%, limit %.2f %%", 100 * rate,
                     100 * control.error_rate(), 100 * wanted.error_rate);
  return out;
}

double allowed_over(double control_ms, const criteria& wanted) {
  return std::max(control_ms * wanted.response_ratio, control_ms + wanted.response_slack_ms);
}

using monitoring::log_histogram;

finding judge_quantile(std::string name, const log_histogram& canary, const log_histogram& control,
                       const criteria& wanted, double q, double alpha) {
  finding out{std::move(name), verdict::pass, {}};
  if (wanted.response_ratio <= 0) {
    out.text = "no limit";
    return out;
  }
  if (canary.count() == 0 || control.count() == 0) {
    out.outcome = verdict::insufficient_data;
    out.text = "nothing to compare";
    return out;
  }
  const double canary_ms = *canary.quantile(q);
  const double control_ms = *control.quantile(q);
  if (alpha > 0) {
    const auto rank = std::clamp<std::uint64_t>(
        static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(control.count()))), 1,
        control.count());
    // Few values show a large gap best at the control's maximum.
    for (const auto at : {rank, control.count()}) {
      // The upper edge, so that the threshold is certainly not below the control's value.
      const double threshold = allowed_over(control.bounds_at_rank(at).upper, wanted);
      // Growth beyond q is allowed: only a quantile above the threshold is bad.
      if (canary_ms <= threshold) break;
      const auto above = canary.certainly_above(threshold);
      const double p = exceedance(above, canary.count(), at, control.count());
      if (p <= alpha / 4) {
        out.outcome = verdict::fail;
        out.text = text_of(
            "%llu of %llu take more than %.4g ms, the baseline's p%.0f is %.4g ms "
            "(p %.2g, limit %.2g)",
            count{above}, count{canary.count()}, threshold, q * 100, control_ms, p, alpha / 4);
        return out;
      }
    }
    const auto ours = bound_quantile(canary, q, alpha / 4);
    const auto theirs = bound_quantile(control, q, alpha / 4);
    if (ours.lower && theirs.upper && *ours.lower > allowed_over(*theirs.upper, wanted)) {
      out.outcome = verdict::fail;
      out.text = text_of("certainly more than %.4g ms, the baseline's at most %.4g ms", *ours.lower,
                         *theirs.upper);
      return out;
    }
  }
  const double allowed_ms = allowed_over(control_ms, wanted);
  // Histograms of equal values must compare as equal, whatever the bin width.
  const bool well = canary_ms < allowed_ms || canary_ms <= control_ms;
  out.outcome = well ? verdict::pass : verdict::hold;
  out.text = text_of("%.4g ms, baseline %.4g ms, limit %.4g ms", canary_ms, control_ms, allowed_ms);
  return out;
}

finding judge_mean(const evidence& seen, const criteria& wanted) {
  finding out{"response_ratio", verdict::pass, {}};
  if (wanted.response_ratio <= 0) {
    out.text = "no limit";
    return out;
  }
  const auto canary = seen.canary.latency_ms.mean();
  const auto control = seen.control.latency_ms.mean();
  if (!canary || !control) {
    out.outcome = verdict::insufficient_data;
    out.text = "nothing to compare";
    return out;
  }
  const bool well = *canary < allowed_over(*control, wanted) || *canary <= *control;
  out.outcome = well ? verdict::pass : verdict::hold;
  out.text = text_of("%.4g ms on average, baseline %.4g ms, ratio %.2f, allowed: %.2f×", *canary,
                     *control, *control > 0 ? *canary / *control : 0.0, wanted.response_ratio);
  // Mentioned because a ratio above the limit may pass.
  if (wanted.response_slack_ms > 0) out.text += text_of(" or +%.4g ms", wanted.response_slack_ms);
  return out;
}

finding judge_memory(const evidence& seen, const criteria& wanted) {
  finding out{"memory_efficiency", verdict::pass, {}};
  if (wanted.memory_efficiency <= 0) {
    out.text = "no limit";
    return out;
  }
  if (!seen.memory_efficiency) {
    out.outcome = verdict::insufficient_data;
    out.text = "not measured yet";
    return out;
  }
  out.outcome = *seen.memory_efficiency > wanted.memory_efficiency ? verdict::pass : verdict::hold;
  out.text = text_of("%.1f %% saved, more than %.1f %% wanted", 100 * *seen.memory_efficiency,
                     100 * wanted.memory_efficiency);
  return out;
}

finding judge_commands(const evidence& seen, const criteria& wanted, double alpha) {
  finding out{"command_compatibility", verdict::pass, {}};
  if (seen.commands_compared == 0) {
    if (wanted.only_compared) out.outcome = verdict::insufficient_data;
    out.text = "no output compared yet";
    return out;
  }
  const double share =
      1
      - static_cast<double>(seen.commands_differing) / static_cast<double>(seen.commands_compared);
  out.outcome = share >= wanted.commands_compatible ? verdict::pass : verdict::hold;
  out.text = text_of("%llu of %llu outputs compared differ", count{seen.commands_differing},
                     count{seen.commands_compared});
  if (wanted.only_compared || alpha <= 0 || seen.commands_differing < wanted.differing_least)
    return out;
  const double floor = proportion_lower(seen.commands_differing, seen.commands_compared, alpha);
  if (floor < wanted.differing_share) return out;
  out.outcome = verdict::fail;
  out.text += text_of(", certainly more than %.2f %%", 100 * floor);
  return out;
}

}  // namespace

void arm::add(double took_ms, bool failed, std::optional<double> run_took_ms) {
  ++tasks;
  if (failed) {
    ++errors;
  } else {
    latency_ms.add(took_ms);
    if (run_took_ms) run_ms.add(*run_took_ms);
  }
}

void arm::merge(const arm& other) {
  tasks += other.tasks;
  errors += other.errors;
  latency_ms.merge(other.latency_ms);
  run_ms.merge(other.run_ms);
}

double arm::error_rate() const {
  return tasks == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(tasks);
}

std::string_view name_of(verdict what) {
  switch (what) {
    case verdict::pass: return "PASS";
    case verdict::hold: return "HOLD";
    case verdict::insufficient_data: return "INSUFFICIENT_DATA";
    case verdict::fail: return "FAIL";
  }
  return "FAIL";
}

std::string judgement::summary() const {
  std::string out;
  for (const auto& each : findings) {
    if (each.outcome != outcome) continue;
    if (!out.empty()) out += "; ";
    out += each.name + ": " + each.text;
  }
  return out;
}

judgement judge(const evidence& seen, const criteria& wanted, std::uint32_t look, double now_s) {
  const double errors_alpha = look == 0 ? 0 : alpha_at_look(wanted.alpha_errors, look);
  const bool few = seen.canary.tasks < wanted.min_latency_samples;
  const double latency_alpha = look == 0 || few || wanted.quantiles.empty()
                                   ? 0
                                   : alpha_at_look(wanted.alpha_latency, look)
                                         / static_cast<double>(wanted.quantiles.size());
  judgement out;
  out.findings.push_back(judge_amount(seen, wanted, now_s));
  out.findings.push_back(judge_errors(seen, wanted, errors_alpha));
  out.findings.push_back(judge_mean(seen, wanted));
  for (const double q : wanted.quantiles) {
    out.findings.push_back(judge_quantile("latency_p" + std::to_string(std::lround(q * 100)),
                                          seen.canary.latency_ms, seen.control.latency_ms, wanted,
                                          q, latency_alpha));
  }
  // Records of earlier versions have no run times.
  if (seen.canary.run_ms.count() > 0 && seen.control.run_ms.count() > 0) {
    const double alpha = look == 0 || few ? 0 : alpha_at_look(wanted.alpha_tail, look);
    out.findings.push_back(judge_quantile(
        "run_p" + std::to_string(std::lround(wanted.tail_quantile * 100)), seen.canary.run_ms,
        seen.control.run_ms, wanted, wanted.tail_quantile, alpha));
  }
  out.findings.push_back(judge_memory(seen, wanted));
  if (wanted.judge_commands) {
    const double alpha = look == 0 ? 0 : alpha_at_look(wanted.alpha_outputs, look);
    out.findings.push_back(judge_commands(seen, wanted, alpha));
  }

  // A failure takes precedence, then missing data, then a criterion not met.
  out.outcome = verdict::pass;
  for (const auto worst : {verdict::fail, verdict::insufficient_data, verdict::hold}) {
    if (std::any_of(out.findings.begin(), out.findings.end(),
                    [&](const finding& each) { return each.outcome == worst; })) {
      out.outcome = worst;
      break;
    }
  }
  return out;
}

}  // namespace greenroom::runtime::rollout
