#include "actors/node/specialist_json.hpp"

#include "actors/state/text.hpp"

#include <utility>

namespace greenroom::actors {

std::string to_json(const specialist_view& one) {
  base::json_object made{
      {"name", one.name},
      {"department", one.department},
      {"priority", one.priority},
      {"state", to_string(one.state)},
      {"pid", one.pid > 0 ? std::optional{one.pid} : std::nullopt},
  };
  made.raw("memory_mb", decimal(one.memory_mb))
      .add("memory_measured", one.memory_measured)
      .raw("cpu_share", decimal(one.cpu_share))
      .add("queue_depth", one.queue_depth)
      .add("running", one.running)
      .add("concurrency", one.concurrency)
      .add("tasks", one.tasks)
      .add("failures", one.failures)
      .add("cold_starts", one.cold_starts)
      .add("warm_hits", one.warm_hits)
      .add("restarts", one.restarts)
      .add("skipped_lines", one.skipped_lines)
      .raw("start_ms", decimal(one.start_ms))
      .raw("run_ms", decimal(one.run_ms))
      .add("pinned", one.pinned)
      .add("circuit_open", one.circuit_open)
      .add("definition", one.old_definition ? "old" : "current")
      .add("last_error",
           one.last_error.empty() ? base::json_value{nullptr} : base::json_value{one.last_error});
  return std::move(made).text();
}

std::string to_json_array(const std::vector<specialist_view>& all) {
  base::json_array items;
  for (const auto& one : all) {
    const auto item = to_json(one);
    items.add(base::json_raw{item});
  }
  return std::move(items).text();
}

}  // namespace greenroom::actors
