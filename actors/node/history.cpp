// What a node measured over a period, as JSON.
#include "actors/node/parts.hpp"
#include "runtime/monitoring/sample_history.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace greenroom {

std::string node::history(std::chrono::milliseconds last, std::size_t points_max) const {
  using namespace runtime::monitoring;
  using nlohmann::json;
  const actors::catalog_reader::scope reading;
  const auto& state = *parts_->state;
  const auto now_s = state.clock.unix_s(state.clock.now_ns());
  const auto from_s = now_s - std::chrono::duration<double>{last}.count();
  json items = json::array();
  json summary = json::object();
  state.samples.read([&](const sample_history& kept) {
    for (const auto& point : kept.since(from_s, points_max)) {
      json one = {{"at_s", point.at_s}};
      for (const auto what : all_metrics)
        if (const auto value = point.of(what)) one[std::string{name_of(what)}] = *value;
      items.push_back(std::move(one));
    }
    for (const auto what : all_metrics) {
      const auto sum = kept.summary(what, from_s);
      if (sum.points == 0) continue;
      summary[std::string{name_of(what)}] = {{"points", sum.points},
                                             {"mean", sum.mean},
                                             {"min", sum.min},
                                             {"max", sum.max},
                                             {"last", sum.last},
                                             {"mean_text", written(what, sum.mean)},
                                             {"min_text", written(what, sum.min)},
                                             {"max_text", written(what, sum.max)},
                                             {"last_text", written(what, sum.last)}};
    }
  });
  const auto interval =
      std::chrono::duration<double>{state.catalogs.now().config.health_interval}.count();
  return json{{"interval_s", interval},
              {"last_s", std::chrono::duration<double>{last}.count()},
              {"summary", std::move(summary)},
              {"items", std::move(items)}}
      .dump();
}

std::uint64_t node::workflows_detected() const {
  return machine::count_of(parts_->state->forecast.workflows_detected);
}

}  // namespace greenroom
