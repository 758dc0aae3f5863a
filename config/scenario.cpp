#include "config/scenario.hpp"

#include "config/file_text.hpp"
#include "config/map_reader.hpp"
#include "config/tree.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <array>

namespace greenroom::config {
namespace {

constexpr double rate_max = 1'000'000;
constexpr double scenario_count_max = 1'000'000;

}  // namespace

void read_arrival(const tree& from, const std::string& path, scenario& to,
                  std::vector<problem>& problems) {
  map_reader keys{from, path, problems};
  std::string kind;
  keys.text("kind", kind);
  const std::vector<std::string> kinds = {"constant", "poisson", "ramp", "spike", "closed"};
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  if (found == kinds.end()) {
    if (from.is == tree::kind::map)
      keys.complain(from.at, "kind",
                    kind.empty() ? "is missing: constant, poisson, ramp, spike or closed"
                                 : "\"" + kind + "\" is none of the kinds of arrival",
                    std::string{base::nearest_of(kind, kinds)});
    return;
  }
  to.arrival = static_cast<scenario_arrival>(found - kinds.begin());
  const auto need = [&](bool good, const char* key, const char* what) {
    if (!good) keys.complain(from.at, key, what);
  };
  switch (to.arrival) {
    case scenario_arrival::constant:
    case scenario_arrival::poisson:
      keys.number("rate", to.rate, 0, rate_max);
      need(to.rate > 0, "rate", "must be above 0: requests per second");
      break;
    case scenario_arrival::ramp:
      keys.number("from", to.rate, 0, rate_max);
      keys.number("to", to.peak, 0, rate_max);
      need(to.rate > 0 || to.peak > 0, "to", "must be above 0: requests per second at the end");
      break;
    case scenario_arrival::spike:
      keys.number("rate", to.rate, 0, rate_max);
      keys.number("peak", to.peak, 0, rate_max);
      keys.duration("at", to.spike_at);
      keys.duration("for", to.spike_for);
      need(to.peak > 0, "peak", "must be above 0: requests per second at the top");
      need(to.spike_for.count() > 0, "for", "must be above 0: how long the top lasts");
      break;
    case scenario_arrival::closed:
      keys.count("users", to.users, 0, scenario_count_max);
      keys.duration("think", to.think);
      need(to.users > 0, "users", "must be above 0: how many ask at once");
      break;
  }
  keys.finish();
}

void read_part(const tree& from, const std::string& path, std::vector<scenario_part>& to,
               std::vector<problem>& problems) {
  scenario_part part;
  part.line = from.at.line;
  map_reader keys{from, path, problems};
  keys.text("specialist", part.specialist);
  keys.text("department", part.department);
  keys.text("command", part.command);
  keys.text("workflow", part.workflow);
  if (const auto* cast = keys.take("cast"); cast != nullptr) {
    part.cast = true;
    if (cast->text != "all") keys.complain(cast->at, "cast", "can only be \"all\"", "all");
  }
  keys.number("zipf", part.zipf, 0, 10);
  keys.number("weight", part.weight, 0, rate_max);
  keys.text("priority", part.priority);
  if (!part.priority.empty() && part.priority != "high" && part.priority != "normal"
      && part.priority != "low")
    keys.complain(
        from.at, "priority", "must be high, normal or low",
        std::string{base::nearest_of(part.priority, std::array{"high", "normal", "low"})});
  if (const auto* input = keys.take("input"); input != nullptr) {
    part.input.clear();
    append_json(part.input, *input);
  }
  const int targets = int{!part.specialist.empty()} + int{!part.department.empty()}
                      + int{!part.command.empty()} + int{!part.workflow.empty()} + int{part.cast};
  if (from.is == tree::kind::map && targets != 1)
    keys.complain(from.at, "",
                  "needs exactly one of specialist, department, command, workflow, cast");
  keys.finish();
  to.push_back(std::move(part));
}

scenario_result load_scenario_text(std::string_view text, const std::string& source) {
  const auto parsed = parse_tree(text, source);
  if (!parsed.problems.empty()) return parsed.problems;
  const auto& whole = parsed.value;
  std::vector<problem> problems;
  scenario value;
  map_reader keys{whole, "", problems};
  double version = 1;
  keys.number("version", version, 1, 1);
  keys.text("name", value.name);
  keys.text("about", value.about);
  keys.duration("duration", value.duration);
  keys.duration("warmup", value.warmup);
  keys.duration("patience", value.patience);
  keys.count("seed", value.seed, 0, 9e15);
  keys.count("connections", value.connections, 1, 60'000);
  keys.count("sessions", value.sessions, 0, scenario_count_max);
  if (value.duration.count() == 0) keys.complain(whole.at, "duration", "must be above 0");
  if (value.patience.count() == 0) keys.complain(whole.at, "patience", "must be above 0");

  if (const auto* arrival = keys.take("arrival"); arrival != nullptr)
    read_arrival(*arrival, "arrival", value, problems);
  else if (whole.is == tree::kind::map)
    keys.complain(whole.at, "arrival", "is missing: when requests are sent");

  const auto* mix = keys.take("mix");
  if (mix != nullptr && mix->is == tree::kind::list) {
    for (std::size_t at = 0; at < mix->items.size(); ++at)
      read_part(mix->items[at], "mix[" + std::to_string(at) + "]", value.mix, problems);
  } else if (mix != nullptr) {
    keys.complain(mix->at, "mix", "expected a list, found " + describe_value(*mix));
  }
  double weights = 0;
  for (const auto& part : value.mix) weights += part.weight;
  if (whole.is == tree::kind::map && problems.empty() && weights <= 0)
    keys.complain(mix == nullptr ? whole.at : mix->at, "mix",
                  "needs at least one part with a weight above 0: who is asked");

  if (const auto* thresholds = keys.take("thresholds"); thresholds != nullptr) {
    if (thresholds->is != tree::kind::list)
      keys.complain(thresholds->at, "thresholds",
                    "expected a list, found " + describe_value(*thresholds));
    for (const auto& one : thresholds->items) value.thresholds.push_back({one.text, one.at.line});
  }
  keys.finish();
  if (!problems.empty()) return problems;
  return value;
}

scenario_result load_scenario(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return std::vector{problem{file.string(), 0, 0, {}, "cannot be read", {}}};
  return load_scenario_text(*text, file.string());
}

}  // namespace greenroom::config
