// `greenroom load`: a scripted load from a scenario file.
#include "apps/client/asking.hpp"
#include "apps/client/seconds.hpp"
#include "apps/client/verb.hpp"
#include "apps/load/load_driver.hpp"
#include "apps/load/load_report.hpp"
#include "config/scenario.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/json_writer.hpp"
#include "runtime/load/arrivals.hpp"
#include "runtime/load/weighted_choice.hpp"

#include <cstdio>
#include <memory>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;
namespace load = runtime::load;

struct load_options {
  asking how;
  std::string file;
};

load::arrival_plan plan_of(const config::scenario& from) {
  load::arrival_plan plan;
  plan.kind = static_cast<load::arrival_kind>(from.arrival);
  static_assert(static_cast<int>(load::arrival_kind::closed)
                == static_cast<int>(config::scenario_arrival::closed));
  plan.duration_s = seconds_of(from.duration);
  plan.rate = from.rate;
  plan.peak = from.peak;
  plan.spike_at_s = seconds_of(from.spike_at);
  plan.spike_s = seconds_of(from.spike_for);
  plan.users = from.users;
  plan.think_s = seconds_of(from.think);
  return plan;
}

/// Makes request bodies by the scenario's mix.
class request_maker {
public:
  request_maker(const config::scenario& from, const std::vector<std::string>& cast,
                base::random_source random)
      : random_{random}, sessions_{from.sessions} {
    std::vector<double> weights;
    for (const auto& part : from.mix) {
      if (!part.cast) {
        weights.push_back(part.weight);
        templates_.push_back(template_of(part, part.specialist));
        continue;
      }
      // Zipf's law divides the part's weight over the cast.
      const auto shares = load::zipf_weights(cast.size(), part.zipf);
      double whole = 0;
      for (const auto share : shares) whole += share;
      for (std::size_t at = 0; at < cast.size(); ++at) {
        weights.push_back(part.weight * shares[at] / whole);
        templates_.push_back(template_of(part, cast[at]));
      }
    }
    choice_.emplace(weights);
  }

  load_request next(std::optional<std::size_t> user = std::nullopt) {
    const auto& chosen = templates_[choice_->pick(random_)];
    auto body = chosen.body;
    if (!user && sessions_ > 0) user = random_.below(sessions_);
    if (user) body.add("case", "load-" + std::to_string(*user));
    return {chosen.target, std::move(body).text()};
  }

private:
  struct prepared {
    std::string target;
    base::json_object body;  ///< Without the case.
  };

  static prepared template_of(const config::scenario_part& part, const std::string& specialist) {
    prepared made{"/v1/tasks", {}};
    made.body.raw("input", part.input);
    if (!part.workflow.empty()) made.target = "/v1/workflows/" + url_escape(part.workflow);
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) made.body.add(key, value);
    };
    add("specialist", specialist);
    add("department", part.department);
    add("command", part.command);
    add("priority", part.priority);
    return made;
  }

  base::random_source random_;
  std::size_t sessions_;
  std::vector<prepared> templates_;
  std::optional<load::weighted_choice> choice_;
};

/// The requests of an open loop: the warm-up at the plan's first rate, then the plan.
class open_loop {
public:
  open_loop(const load::arrival_plan& plan, double warmup_s, base::random_source random,
            request_maker& maker)
      : warmup_s_{warmup_s}, main_{plan, random.split()}, maker_{maker} {
    load::arrival_plan before;
    before.kind = plan.kind == load::arrival_kind::constant ? load::arrival_kind::constant
                                                            : load::arrival_kind::poisson;
    before.duration_s = warmup_s;
    before.rate = load::rate_at(plan, 0);
    if (warmup_s > 0 && before.rate > 0) before_.emplace(before, random.split());
  }

  std::optional<timed_request> operator()() {
    if (before_) {
      if (const auto time = before_->next()) return timed_request{*time, maker_.next()};
      before_.reset();
    }
    if (const auto time = main_.next()) return timed_request{warmup_s_ + *time, maker_.next()};
    return std::nullopt;
  }

private:
  double warmup_s_;
  std::optional<load::arrival_times> before_;
  load::arrival_times main_;
  request_maker& maker_;
};

std::optional<std::vector<load::threshold>> thresholds_of(const config::scenario& from,
                                                          const std::string& file) {
  std::vector<load::threshold> result;
  for (const auto& written : from.thresholds) {
    const auto parsed = load::parse_threshold(written.text);
    if (!parsed) {
      const auto metric = written.text.substr(0, written.text.find_first_of("<> "));
      const config::problem wrong{file,
                                  written.line,
                                  1,
                                  "thresholds",
                                  "\"" + written.text + "\" is not a threshold such as p95_ms<250",
                                  std::string{base::nearest_of(metric, load::threshold_metrics())}};
      say_problems({wrong});
      return std::nullopt;
    }
    result.push_back(*parsed);
  }
  return result;
}

int run_scenario(const load_options& o) {
  const auto loaded = config::load_scenario(o.file);
  if (!loaded) {
    say_problems(loaded.error());
    return wrong_usage;
  }
  const auto& scenario = *loaded;
  const auto thresholds = thresholds_of(scenario, o.file);
  if (!thresholds) return wrong_usage;

  // Also fails early, before any load, when the node is not reachable.
  node_client client{o.how};
  const auto cast = client.cast();
  if (!cast) return client.code();

  base::random_source random{scenario.seed};
  request_maker maker{scenario, *cast, random.split()};
  const auto plan = plan_of(scenario);
  load_job job;
  job.where = *node_address::parse(o.how.node);
  job.connections_max = scenario.connections;
  job.patience = scenario.patience;
  job.warmup_s = seconds_of(scenario.warmup);
  job.duration_s = job.warmup_s + plan.duration_s;
  std::optional<open_loop> loop;
  auto thinking = random.split();
  if (plan.kind == load::arrival_kind::closed) {
    job.users = plan.users;
    job.connections_max = std::max(job.connections_max, plan.users);
    job.ask = [&](std::size_t user) { return maker.next(user); };
    job.think_s = [&] { return plan.think_s > 0 ? thinking.exponential(plan.think_s) : 0; };
  } else {
    loop.emplace(plan, job.warmup_s, random.split(), maker);
    job.next = std::ref(*loop);
  }
  const auto name = scenario.name.empty() ? o.file : scenario.name;
  load_display display{job.duration_s};
  if (!o.how.as_json) {
    print_text(name + " against " + o.how.node + (scenario.about.empty() ? "" : ": ")
               + scenario.about + "\n");
    std::fflush(stdout);
    job.watch = [&](const load_progress& now) { display.show(now); };
  }
  const auto result = run_load(job);
  display.finish();
  return report_load(name, result, o.how.node, *thresholds, o.how.as_json);
}

}  // namespace

void define_load(CLI::App& verb, outcome& result) {
  verb.description("Send scripted traffic from a scenario file");
  auto o = std::make_shared<load_options>();
  verb.add_option("FILE", o->file, "The scenario; see apps/scenarios")->required();
  add_asking_options(verb, o->how);
  verb.footer(
      "Open loops (constant, poisson, ramp, spike) measure latency from the intended moment of\n"
      "sending; percentiles are exact to 0.1 %. Exit code 1 when a threshold is missed, when no\n"
      "request was completed, or when a request got no answer and no threshold allows for that;\n"
      "3 when the node does not answer, or has ended before the load ends.\n\n"
      "Example:\n"
      "  greenroom load apps/scenarios/100-users.yaml\n"
      "  greenroom load apps/scenarios/spike.yaml --json | jq .response.p99_ms");
  verb.callback([o, &result] { result.code = run_scenario(*o); });
}

}  // namespace greenroom::apps
