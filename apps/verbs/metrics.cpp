// `greenroom metrics`: the metrics that Prometheus scrapes.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct metrics_options {
  asking how;
  std::string part, last;
};

/// The node's measurements over a period, one line per metric.
int metrics_over_time(node_client& client, const metrics_options& o) {
  const auto found = client.get("/v1/history?last=" + url_escape(o.last));
  if (!found) return client.code();
  if (o.how.as_json) {
    print_json(*found);
    return done;
  }
  const auto summary = found->value("summary", json::object());
  const auto points = found->value("items", json::array());
  if (summary.empty()) {
    std::printf("nothing was measured in the last %s\n", o.last.c_str());
    return done;
  }
  constexpr std::size_t bars = 24;
  table rows{{{"METRIC"},
              {"MEAN", true},
              {"MIN", true, 1},
              {"MAX", true},
              {"LAST", true},
              {"OVER TIME", false, 2, true}}};
  for (const auto& [name, sum] : summary.items()) {
    if (!o.part.empty() && name.find(o.part) == std::string::npos) continue;
    std::vector<double> values;
    for (const auto& point : points) values.push_back(number_of(point, name.c_str(), NAN));
    rows.add({name, text_of(sum, "mean_text"), text_of(sum, "min_text"), text_of(sum, "max_text"),
              text_of(sum, "last_text"), sparkline(values, bars)});
  }
  std::printf("%s", rows.text().c_str());
  return done;
}

/// One sample line of the text format: `name{label="value"} 1.5 [time]`.
std::optional<json> sample_of(const std::string& line) {
  if (line.empty() || line.front() == '#') return std::nullopt;
  const auto brace = line.find('{');
  const auto name_end = std::min(brace, line.find(' '));
  if (name_end == std::string::npos) return std::nullopt;
  json sample = {{"name", line.substr(0, name_end)}, {"labels", json::object()}};
  auto at = name_end;
  if (at == brace) {
    ++at;
    while (at < line.size() && line[at] != '}') {
      const auto equals = line.find('=', at);
      if (equals == std::string::npos) return std::nullopt;
      const auto key = line.substr(at, equals - at);
      std::string value;
      at = equals + 2;
      for (; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && at + 1 < line.size()) {
          ++at;
          value += line[at] == 'n' ? '\n' : line[at];
        } else {
          value += line[at];
        }
      }
      sample["labels"][key] = value;
      ++at;
      if (at < line.size() && line[at] == ',') ++at;
    }
    ++at;
  }
  if (at >= line.size()) return std::nullopt;
  sample["value"] = std::strtod(line.c_str() + at, nullptr);
  return sample;
}

int metrics(node_client& client, const metrics_options& o) {
  if (!o.last.empty()) return metrics_over_time(client, o);
  const auto answer = client.raw("GET", "/metrics");
  if (!answer) return client.code();
  if (!answer->good()) {
    client.say_refused(*answer);
    return client.code();
  }
  std::istringstream lines{answer->body};
  json samples = json::array();
  for (std::string line; std::getline(lines, line);) {
    if (!o.part.empty() && line.find(o.part) == std::string::npos) continue;
    if (!o.how.as_json)
      std::printf("%s\n", shown_text(line).c_str());
    else if (auto sample = sample_of(line))
      samples.push_back(std::move(*sample));
  }
  if (o.how.as_json) print_json({{"items", samples}});
  return done;
}

}  // namespace

void define_metrics(CLI::App& verb, outcome& result) {
  verb.description("The node's metrics: Prometheus text, or with --last a table");
  auto o = std::make_shared<metrics_options>();
  verb.add_option("PART", o->part, "Only lines that contain this text");
  add_period_option(verb, o->last);
  add_asking_options(verb, o->how);
  add_watch_option(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom metrics greenroom_cold_starts_total --watch\n"
      "  greenroom metrics --last 1h");
  verb.callback([o, &result] {
    node_client client{o->how};
    result.code = once_or_watch(o->how, [&] { return metrics(client, *o); });
  });
}

}  // namespace greenroom::apps
