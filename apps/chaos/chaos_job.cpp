#include "apps/chaos/chaos_job.hpp"

#include "apps/client/seconds.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::apps {

namespace chaos = runtime::chaos;

cast_list list_cast(const config::node& from, const std::string& cloud_url) {
  cast_list result;
  for (const auto& department : from.departments) {
    for (const auto& one : department.specialists) {
      result.names.push_back(one.name);
      result.shape.department.push_back(static_cast<std::uint32_t>(result.departments.size()));
      result.shape.is_process.push_back(one.backend.kind == config::backend_kind::process);
      result.shape.is_cloud.push_back(one.backend.kind == config::backend_kind::http
                                      && one.backend.url == cloud_url);
    }
    result.departments.push_back(department.name);
  }
  result.shape.departments = result.departments.size();
  return result;
}

rules_result rules_of(const config::chaos_plan& plan, const cast_list& cast) {
  static_assert(chaos::fault_kind_count == 12 && chaos::role_count == 11);
  rules_result result;
  const bool has_cloud = std::ranges::any_of(cast.shape.is_cloud, [](bool one) { return one; });
  for (const auto& from : plan.faults) {
    chaos::rule one;
    one.what = static_cast<chaos::fault_kind>(from.kind);
    one.from_s = seconds_of(from.from);
    one.until_s = std::min(seconds_of(from.until.count() > 0 ? from.until : plan.duration),
                           seconds_of(plan.duration));
    one.every_s = seconds_of(from.every);
    one.for_s = seconds_of(from.lasts);
    one.amount = from.mb > 0 ? from.mb : seconds_of(from.by);
    one.step_s = seconds_of(from.step);
    one.count = from.count;
    for (const auto role : from.roles) one.roles.push_back(static_cast<chaos::role>(role));
    for (const auto& name : from.only) {
      const auto at = std::ranges::find(cast.names, name);
      if (at == cast.names.end())
        result.problems.push_back("line " + std::to_string(from.line)
                                  + ": no specialist is called \"" + name + "\"");
      else
        one.only.push_back(static_cast<std::uint32_t>(at - cast.names.begin()));
    }
    if (one.what >= chaos::fault_kind::cloud_down && one.what <= chaos::fault_kind::cloud_slow
        && !has_cloud)
      result.problems.push_back(
          "line " + std::to_string(from.line)
          + ": no specialist has the url ${CHAOS_CLOUD}, so there is no cloud");
    if (one.every_s <= 0 && one.from_s + one.for_s > seconds_of(plan.duration)) continue;
    result.rules.push_back(std::move(one));
  }
  for (const auto& part : plan.load.mix) {
    if (!part.specialist.empty()
        && std::ranges::find(cast.names, part.specialist) == cast.names.end())
      result.problems.push_back("line " + std::to_string(part.line) + ": no specialist is called \""
                                + part.specialist + "\"");
  }
  return result;
}

}  // namespace greenroom::apps
