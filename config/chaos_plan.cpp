#include "config/chaos_plan.hpp"

#include "config/file_text.hpp"
#include "config/map_reader.hpp"
#include "config/tree.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <array>

namespace greenroom::config {
namespace {

constexpr double plan_count_max = 1'000'000;

/// The keys of each kind besides `kind`, `from`, `until`, `every`, in the order of chaos_kinds().
struct kind_keys {
  bool lasts = false, by = false, mb = false, step = false, roles = false, only = false;
};
constexpr std::array<kind_keys, 12> keys_of_kinds{{
    {.only = true},                             // kill_worker
    {.roles = true, .only = true},              // kill_actor
    {.lasts = true, .only = true},              // freeze_worker
    {.lasts = true, .by = true, .only = true},  // slow_worker
    {.lasts = true, .only = true},              // garble_worker
    {.lasts = true, .only = true},              // cut_worker
    {.lasts = true, .mb = true, .only = true},  // swell_worker
    {.lasts = true, .mb = true},                // lower_budget
    {.lasts = true, .only = true},              // cloud_down
    {.lasts = true, .only = true},              // cloud_silent
    {.lasts = true, .by = true, .only = true},  // cloud_slow
    {.step = true},                             // cascade
}};

/// Returns the index of a word; reports an unknown word.
std::optional<std::size_t> index_of(const std::string& word, const std::vector<std::string>& words,
                                    const char* key, const mark& at, map_reader& keys) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string all;
  for (const auto& one : words) all += (all.empty() ? "" : ", ") + one;
  keys.complain(at, key,
                (word.empty() ? "is missing" : "\"" + word + "\" is none of them") + ": " + all,
                std::string{base::nearest_of(word, words)});
  return std::nullopt;
}

void read_fault(const tree& from, const std::string& path, chaos_plan& to,
                std::vector<problem>& problems) {
  map_reader keys{from, path, problems};
  chaos_fault value;
  value.line = from.at.line;
  std::string kind;
  keys.text("kind", kind);
  if (from.is != tree::kind::map) return;
  const auto which = index_of(kind, chaos_kinds(), "kind", from.at, keys);
  if (!which) return;
  value.kind = *which;
  const auto& has = keys_of_kinds[*which];
  const auto need = [&](bool good, const char* key, const char* what) {
    if (!good) keys.complain(from.at, key, what);
  };
  keys.duration("from", value.from);
  keys.duration("until", value.until);
  keys.duration("every", value.every);
  if (value.every.count() > 0) {
    need(value.every.count() >= 10, "every", "must be at least 10ms");
    need(value.until.count() == 0 || value.until > value.from, "until", "must be after \"from\"");
  } else {
    need(from.find("until") == nullptr, "until", "says nothing without \"every\"");
    need(from.find("from") != nullptr, "from",
         "is missing: when it happens, unless \"every\" says how often");
  }
  if (has.lasts) {
    keys.duration("for", value.lasts);
    need(value.lasts.count() > 0, "for", "must be above 0: how long it lasts");
  }
  if (has.by) {
    keys.duration("by", value.by);
    need(value.by.count() > 0, "by", "must be above 0: how long each answer is held back");
  }
  if (has.mb) {
    keys.number("mb", value.mb, 0, 1e6);
    need(value.mb > 0, "mb", "must be above 0: megabytes");
  }
  keys.count("count", value.count, 1, 1000);
  if (has.step) {
    keys.duration("step", value.step);
    need(value.step.count() > 0, "step", "must be above 0: from one department to the next");
  }
  if (has.only) keys.texts("only", value.only);
  if (has.roles) {
    std::vector<std::string> words;
    keys.texts("roles", words);
    for (auto& word : words) {
      // Accepted for existing plans, which use other names for these two roles.
      if (word == "bridge") word = "dispatcher";
      if (word == "surveyor") word = "memory_sampler";
      if (const auto role = index_of(word, chaos_roles(), "roles", from.at, keys))
        value.roles.push_back(*role);
    }
  }
  keys.finish();
  to.faults.push_back(std::move(value));
}

void read_load(const tree& from, chaos_plan& to, std::vector<problem>& problems) {
  map_reader keys{from, "load", problems};
  if (from.is != tree::kind::map) return;
  keys.number("durable", to.durable, 0, 1);
  keys.count("sessions", to.load.sessions, 0, plan_count_max);
  if (const auto* arrival = keys.take("arrival"); arrival != nullptr) {
    read_arrival(*arrival, "load.arrival", to.load, problems);
    if (to.load.arrival == scenario_arrival::closed)
      keys.complain(arrival->at, "arrival",
                    "cannot be closed here: users who wait would hide what a fault costs");
  } else {
    keys.complain(from.at, "arrival", "is missing: when tasks are sent");
  }
  const auto* mix = keys.take("mix");
  if (mix != nullptr && mix->is == tree::kind::list)
    for (std::size_t at = 0; at < mix->items.size(); ++at)
      read_part(mix->items[at], "load.mix[" + std::to_string(at) + "]", to.load.mix, problems);
  else if (mix != nullptr)
    keys.complain(mix->at, "mix", "expected a list, found " + describe_value(*mix));
  double weights = 0;
  for (const auto& part : to.load.mix) {
    weights += part.weight;
    if (!part.workflow.empty())
      keys.complain(mix->at, "mix", "cannot have workflows: every task is counted by itself");
  }
  if (problems.empty() && weights <= 0)
    keys.complain(mix == nullptr ? from.at : mix->at, "mix",
                  "needs at least one part with a weight above 0: who is asked");
  keys.finish();
}

void read_thresholds(const tree& from, chaos_thresholds& to, std::vector<problem>& problems) {
  map_reader keys{from, "thresholds", problems};
  if (from.is != tree::kind::map) return;
  keys.duration("mean_recovery", to.mean_recovery);
  keys.duration("max_recovery", to.max_recovery);
  keys.number("mean_recovery_starts", to.mean_recovery_starts, 0, 1000);
  keys.number("recovered", to.recovered, 0, 1);
  keys.number("success", to.success, 0, 1);
  keys.count("lost", to.lost, 0, plan_count_max);
  keys.duration("over_budget", to.over_budget);
  keys.finish();
}

}  // namespace

const std::vector<std::string>& chaos_kinds() {
  static const std::vector<std::string> words{"kill_worker",  "kill_actor",    "freeze_worker",
                                              "slow_worker",  "garble_worker", "cut_worker",
                                              "swell_worker", "lower_budget",  "cloud_down",
                                              "cloud_silent", "cloud_slow",    "cascade"};
  return words;
}

const std::vector<std::string>& chaos_roles() {
  static const std::vector<std::string> words{
      "dispatcher",     "pool",    "journal", "director", "department", "specialist",
      "memory_sampler", "monitor", "rollout", "rollback", "predictor"};
  return words;
}

chaos_plan_result load_chaos_plan_text(std::string_view text, const std::string& source) {
  const auto parsed = parse_tree(text, source);
  if (!parsed.problems.empty()) return parsed.problems;
  const auto& whole = parsed.value;
  std::vector<problem> problems;
  chaos_plan value;
  map_reader keys{whole, "", problems};
  if (whole.is != tree::kind::map) return problems;
  double version = 1;
  keys.number("version", version, 1, 1);
  keys.text("name", value.name);
  keys.text("about", value.about);
  keys.duration("duration", value.duration);
  keys.duration("settle", value.settle);
  keys.count("seed", value.seed, 0, 9e15);
  keys.text("profile", value.profile);
  keys.text("config", value.config);
  keys.texts("set", value.sets);
  if (value.duration.count() == 0) keys.complain(whole.at, "duration", "must be above 0");
  if (value.profile.empty() == value.config.empty())
    keys.complain(whole.at, value.profile.empty() ? "profile" : "config",
                  "needs exactly one of profile and config: the node that is put to the test");
  if (const auto* load = keys.take("load"); load != nullptr)
    read_load(*load, value, problems);
  else
    keys.complain(whole.at, "load", "is missing: the traffic that the node has meanwhile");
  const auto* faults = keys.take("faults");
  if (faults != nullptr && faults->is == tree::kind::list) {
    for (std::size_t at = 0; at < faults->items.size(); ++at)
      read_fault(faults->items[at], "faults[" + std::to_string(at) + "]", value, problems);
  } else if (faults != nullptr) {
    keys.complain(faults->at, "faults", "expected a list, found " + describe_value(*faults));
  }
  if (problems.empty() && value.faults.empty())
    keys.complain(whole.at, "faults", "needs at least one: what is done to the node");
  if (const auto* thresholds = keys.take("thresholds"); thresholds != nullptr)
    read_thresholds(*thresholds, value.thresholds, problems);
  keys.finish();
  if (!problems.empty()) return problems;
  return value;
}

chaos_plan_result load_chaos_plan(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return std::vector{problem{file.string(), 0, 0, {}, "cannot be read", {}}};
  return load_chaos_plan_text(*text, file.string());
}

}  // namespace greenroom::config
