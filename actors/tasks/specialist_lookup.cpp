#include "actors/tasks/specialist_lookup.hpp"

#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

namespace greenroom::actors {

using protocols::failure, protocols::pool_kind;

namespace {

refusal unknown(std::string_view kind, std::string_view name, std::vector<std::string> nearest) {
  constexpr std::size_t shown = 200;
  refusal result{
      failure::no_such_specialist,
      "there is no " + std::string{kind} + " named " + std::string{name.substr(0, shown)},
      std::move(nearest),
      {}};
  if (name.size() > shown) result.detail += "…";
  // A suggestion only for a likely misspelling; the list of names is there to choose from.
  if (!result.nearest.empty()
      && base::edit_distance(name, result.nearest.front(), base::names_alike)
             <= std::max<std::size_t>(3, name.size() / 2))
    result.detail += "; did you mean " + result.nearest.front() + "?";
  return result;
}

}  // namespace

specialist_lookup::result specialist_lookup::find(std::string_view specialist) const {
  const auto& current = catalogs_.now();
  const auto found = current.find(specialist);
  if (found == catalog::nobody)
    return unknown("specialist", specialist, current.nearest(specialist));
  return found;
}

std::uint32_t specialist_lookup::best_of(std::uint32_t department, pool_kind pool) const {
  const auto& current = catalogs_.now();
  const auto& records = pools_.of(pool).specialists;
  const auto now_ns = clock_.now_ns();
  auto best = catalog::nobody;
  std::tuple<bool, std::uint32_t, int> best_rank{};
  for (const auto index : current.department_members[department]) {
    const auto& specialist = current.members[index];
    if (specialist.gone) continue;
    const auto& gauge = records[index].gauge;
    if (gauge.open_until_ns.load(std::memory_order_relaxed) > now_ns) continue;
    const std::tuple rank{!is_up(gauge.state.load(std::memory_order_relaxed)), gauge.depth(),
                          static_cast<int>(specialist.config.priority)};
    if (best == catalog::nobody || rank < best_rank) {
      best = index;
      best_rank = rank;
    }
  }
  // When every circuit is open, the refusal is the first specialist's.
  if (best == catalog::nobody)
    for (const auto index : current.department_members[department])
      if (!current.members[index].gone) return index;
  return best;
}

specialist_lookup::result specialist_lookup::find(const task_request& request,
                                                  pool_kind pool) const {
  const auto& current = catalogs_.now();
  if (!request.specialist.empty()) return find(std::string_view{request.specialist});
  auto department = request.department;
  if (department.empty()) {
    const auto route = config::resolve_command(current.config, request.command);
    if (!route)
      return unknown("command", request.command, current.nearest_command(request.command));
    if (!route->specialist.empty()) return find(std::string_view{route->specialist});
    department = route->department;
  }
  const auto found = current.by_department.find(department);
  const auto best =
      found == current.by_department.end() ? catalog::nobody : best_of(found->second, pool);
  if (best == catalog::nobody)
    return unknown("department", department, current.nearest_department(department));
  return best;
}

std::optional<refusal> misaddressed(const task_request& request) {
  const auto ways = static_cast<int>(!request.specialist.empty())
                    + static_cast<int>(!request.department.empty())
                    + static_cast<int>(!request.command.empty());
  if (ways == 1) return std::nullopt;
  return refusal{failure::malformed,
                 ways == 0 ? R"(Name one of "specialist", "department" and "command".)"
                           : R"(Name only one of "specialist", "department" and "command".)"};
}

std::uint64_t address_hash(const task_request& request, const std::string& specialist) {
  const std::hash<std::string_view> hash;
  if (!request.specialist.empty()) return hash(specialist);
  return request.department.empty() ? hash("command " + request.command)
                                    : hash("department " + request.department);
}

std::uint64_t case_key_of(std::string_view case_id) {
  if (case_id.empty()) return 0;
  return std::max<std::uint64_t>(std::hash<std::string_view>{}(case_id), 1);
}

}  // namespace greenroom::actors
