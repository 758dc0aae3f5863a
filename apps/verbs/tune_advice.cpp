#include "apps/verbs/tune_advice.hpp"

#include "apps/client/terminal.hpp"
#include "runtime/prediction/frequent_chains.hpp"
#include "runtime/queueing/longest_line.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

namespace greenroom::apps {

using nlohmann::json;

namespace {

/// A queue above this share of its limit is close to refusing tasks.
constexpr double nearly_full = 0.5;

}  // namespace

std::optional<tune_advice> advise(node_client& client, const runtime::trace& traffic,
                                  const json& tuning) {
  const auto specialists = client.get("/v1/specialists");
  const auto workflows = specialists ? client.get("/v1/workflows") : std::nullopt;
  if (!workflows) return std::nullopt;
  tune_advice result;
  result.queue_limit = static_cast<std::size_t>(number_of(tuning, "queue_per_specialist", 64));
  result.detected = static_cast<std::uint64_t>(number_of(tuning, "workflows_detected"));
  std::map<std::string, std::size_t> at_a_time;
  for (const auto& one : specialists->value("items", json::array()))
    at_a_time[text_of(one, "name")] =
        std::max<std::size_t>(1, static_cast<std::size_t>(number_of(one, "concurrency", 1)));
  std::vector<std::size_t> concurrency;
  std::map<std::string, std::uint32_t> index;
  for (const auto& name : traffic.specialists) {
    index.emplace(name, static_cast<std::uint32_t>(concurrency.size()));
    const auto found = at_a_time.find(name);
    concurrency.push_back(found == at_a_time.end() ? 1 : found->second);
  }
  const auto longest = runtime::longest_lines(traffic, concurrency);
  for (std::size_t i = 0; i < longest.size(); ++i)
    if (static_cast<double>(longest[i]) > nearly_full * static_cast<double>(result.queue_limit))
      result.lines.push_back({traffic.specialists[i], longest[i], concurrency[i]});
  std::ranges::sort(result.lines, std::greater{}, &tune_advice::line::longest);
  std::set<std::vector<std::uint32_t>> configured;
  for (const auto& one : workflows->value("items", json::array())) {
    std::vector<std::uint32_t> steps;
    bool seen = true;
    for (const auto& step : one.value("steps", json::array())) {
      const auto found = index.find(step.is_string() ? step.get<std::string>() : std::string{});
      seen = seen && found != index.end();
      if (seen) steps.push_back(found->second);
    }
    result.workflows.emplace_back(text_of(one, "name"),
                                  seen ? runtime::cases_with(traffic, steps) : 0);
    if (seen) configured.insert(std::move(steps));
  }
  for (const auto& one : runtime::frequent_chains(traffic)) {
    if (configured.contains(one.steps)) continue;
    tune_advice::chain chain{{}, one.cases, one.certainty};
    for (const auto index : one.steps) chain.steps.push_back(traffic.specialists[index]);
    result.chains.push_back(std::move(chain));
  }
  return result;
}

json advice_json(const tune_advice& from) {
  json lines = json::array();
  for (const auto& one : from.lines)
    lines.push_back({{"specialist", one.specialist},
                     {"longest_line", one.longest},
                     {"concurrency", one.concurrency},
                     {"limit", from.queue_limit}});
  json workflows = json::array();
  for (const auto& [name, cases] : from.workflows)
    workflows.push_back({{"name", name}, {"sessions", cases}});
  json chains = json::array();
  for (const auto& one : from.chains)
    chains.push_back({{"steps", one.steps}, {"sessions", one.cases}, {"certainty", one.certainty}});
  return {{"queues", lines},
          {"workflows", workflows},
          {"workflows_detected", from.detected},
          {"workflow_proposals", chains}};
}

void print_advice(const tune_advice& from) {
  std::printf("\nqueues     ");
  if (from.lines.empty())
    std::printf("no queue was longer than half of queue.per_specialist (%zu)\n", from.queue_limit);
  for (const auto& one : from.lines)
    std::printf(
        "%s%s: %zu tasks waited at once, limit %zu; raise its backend.concurrency (%zu)\n"
        "           or queue.per_specialist to %zu\n",
        &one == from.lines.data() ? "" : "           ", one.specialist.c_str(), one.longest,
        from.queue_limit, one.concurrency, std::bit_ceil(2 * one.longest));
  std::size_t sessions = 0;
  for (const auto& [name, cases] : from.workflows) sessions += cases;
  std::printf(
      "workflows  %zu configured; %zu sessions of the recording went through one, the node\n"
      "           has detected %llu since it started\n",
      from.workflows.size(), sessions, static_cast<unsigned long long>(from.detected));
  for (const auto& one : from.chains) {
    std::string steps;
    for (const auto& step : one.steps) steps += (steps.empty() ? "" : ", ") + step;
    print_labelled(
        "proposal", colour::none,
        std::to_string(one.cases) + " sessions:  - { name: NEW, steps: [" + steps + "] }");
  }
}

}  // namespace greenroom::apps
