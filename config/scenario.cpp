#include "config/scenario.hpp"

#include "config/tree.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>

namespace greenroom::config {
namespace {

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (code < 0x20) {
      out += "\\u00";
      out += digits[code >> 4U];
      out += digits[code & 15U];
    } else {
      out += letter;
    }
  }
  out += '"';
}

/// Whether it is a number as JSON writes numbers (RFC 8259, section 6).
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const auto from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

/// YAML's own scalars become JSON's; everything else that is written is a text.
void append_json(std::string& out, const tree& from) {
  switch (from.is) {
    case tree::kind::nothing: out += "null"; return;
    case tree::kind::scalar: {
      const bool plain = !from.quoted
                         && (from.text == "true" || from.text == "false" || from.text == "null"
                             || is_json_number(from.text));
      if (plain)
        out += from.text;
      else
        append_json_text(out, from.text);
      return;
    }
    case tree::kind::list: {
      out += '[';
      const char* comma = "";
      for (const auto& item : from.items) {
        out += comma;
        append_json(out, item);
        comma = ",";
      }
      out += ']';
      return;
    }
    case tree::kind::map: {
      out += '{';
      const char* comma = "";
      for (const auto& entry : from.entries) {
        out += comma;
        append_json_text(out, entry.key);
        out += ':';
        append_json(out, entry.value);
        comma = ",";
      }
      out += '}';
      return;
    }
  }
}

/// Takes keys out of one map and complains about those that nobody asked for.
class map_reader {
public:
  map_reader(const tree& from, std::string path, std::vector<problem>& problems)
      : from_{from}, path_{std::move(path)}, problems_{problems} {
    if (from.is != tree::kind::map)
      complain(from.at, "", "expected a map, found " + describe_value(from));
  }

  const tree* take(const char* key) {
    known_.emplace_back(key);
    return from_.is == tree::kind::map ? from_.find(key) : nullptr;
  }

  void text(const char* key, std::string& to) {
    const auto* value = take(key);
    if (value == nullptr) return;
    if (value->is != tree::kind::scalar || value->text.empty())
      complain(value->at, key, "expected a text, found " + describe_value(*value));
    else
      to = value->text;
  }

  void number(const char* key, double& to, double min, double max) {
    const auto* value = take(key);
    if (value == nullptr) return;
    double parsed = 0;
    const auto& text = value->text;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (value->is != tree::kind::scalar || value->quoted || failed != std::errc{}
        || end != text.data() + text.size() || !std::isfinite(parsed))
      complain(value->at, key, "expected a number, found " + describe_value(*value));
    else if (parsed < min || parsed > max)
      complain(value->at, key,
               "must be from " + shown(min) + " to " + shown(max) + ", found " + text);
    else
      to = parsed;
  }

  template <class Count>
  void count(const char* key, Count& to, double min, double max) {
    auto parsed = static_cast<double>(to);
    number(key, parsed, min, max);
    if (parsed != std::floor(parsed))
      complain(take(key)->at, key, "expected a whole number");
    else
      to = static_cast<Count>(parsed);
  }

  void duration(const char* key, std::chrono::milliseconds& to) {
    const auto* value = take(key);
    if (value == nullptr) return;
    const auto parsed = parse_duration(value->text);
    if (value->is != tree::kind::scalar || !parsed || parsed->count() < 0)
      complain(value->at, key,
               "expected a duration such as 500ms, 30s or 5m, found " + describe_value(*value));
    else
      to = *parsed;
  }

  void complain(const mark& at, const std::string& key, std::string message,
                std::string suggestion = {}) {
    auto whole = path_;
    if (!whole.empty() && !key.empty()) whole += '.';
    problems_.push_back(problem_at(at, whole + key, std::move(message), std::move(suggestion)));
  }

  void finish() {
    for (const auto& entry : from_.entries)
      if (std::find(known_.begin(), known_.end(), entry.key) == known_.end())
        complain(entry.at, entry.key, "unknown key", nearest(entry.key, known_));
  }

private:
  static std::string shown(double value) {
    char digits[32];
    const auto written = std::to_chars(digits, digits + sizeof digits, value);
    return {digits, written.ptr};
  }

  const tree& from_;
  std::string path_;
  std::vector<problem>& problems_;
  std::vector<std::string> known_;
};

constexpr double rate_max = 1'000'000;
constexpr double count_max = 1'000'000;

void read_arrival(const tree& from, scenario& to, std::vector<problem>& problems) {
  map_reader keys{from, "arrival", problems};
  std::string kind;
  keys.text("kind", kind);
  const std::vector<std::string> kinds = {"constant", "poisson", "ramp", "spike", "closed"};
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  if (found == kinds.end()) {
    if (from.is == tree::kind::map)
      keys.complain(from.at, "kind",
                    kind.empty() ? "is missing: constant, poisson, ramp, spike or closed"
                                 : "\"" + kind + "\" is none of the kinds of arrival",
                    nearest(kind, kinds));
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
      keys.count("users", to.users, 0, count_max);
      keys.duration("think", to.think);
      need(to.users > 0, "users", "must be above 0: how many ask at once");
      break;
  }
  keys.finish();
}

void read_part(const tree& from, std::size_t index, scenario& to, std::vector<problem>& problems) {
  scenario_part part;
  part.line = from.at.line;
  map_reader keys{from, "mix[" + std::to_string(index) + "]", problems};
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
    keys.complain(from.at, "priority", "must be high, normal or low",
                  nearest(part.priority, std::vector<std::string>{"high", "normal", "low"}));
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
  to.mix.push_back(std::move(part));
}

}  // namespace

scenario_result load_scenario_text(std::string_view text, const std::string& source) {
  scenario_result result;
  auto& problems = result.problems;
  const auto whole = parse_tree(text, source, problems);
  if (!problems.empty()) return result;
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
  keys.count("sessions", value.sessions, 0, count_max);
  if (value.duration.count() == 0) keys.complain(whole.at, "duration", "must be above 0");
  if (value.patience.count() == 0) keys.complain(whole.at, "patience", "must be above 0");

  if (const auto* arrival = keys.take("arrival"); arrival != nullptr)
    read_arrival(*arrival, value, problems);
  else if (whole.is == tree::kind::map)
    keys.complain(whole.at, "arrival", "is missing: when requests are sent");

  const auto* mix = keys.take("mix");
  if (mix != nullptr && mix->is == tree::kind::list) {
    for (std::size_t at = 0; at < mix->items.size(); ++at)
      read_part(mix->items[at], at, value, problems);
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
  if (problems.empty()) result.value = std::move(value);
  return result;
}

scenario_result load_scenario(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  std::error_code ignored;
  if (!stream || std::filesystem::is_directory(file, ignored)) {
    scenario_result result;
    result.problems.push_back({file.string(), 0, 0, {}, "cannot be read", {}});
    return result;
  }
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  return load_scenario_text(text, file.string());
}

}  // namespace greenroom::config
