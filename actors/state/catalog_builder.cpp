// Builds the next catalog: specialists and departments keep their numbers, and free numbers are
// used again.
#include "actors/state/catalog.hpp"
#include "actors/state/tool_offers.hpp"
#include "config/difference.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::uint32_t inline_width = 64;

protocols::side_effects effects_of(const config::backend& from) {
  // The worst that it may do, until the tool is known that is called.
  if (decided_by_tool(from)) return protocols::side_effects::unsafe;
  if (from.side_effects == base::side_effects::by_protocol) return base::side_effects::idempotent;
  return from.side_effects;
}

std::string full_name(const std::string& department, const std::string& specialist) {
  return department + '/' + specialist;
}

class catalog_builder {
public:
  using inline_test = std::function<bool(std::string_view)>;

  catalog_builder(config::node config, const catalog* before, const inline_test& is_inline)
      : before_{before}, is_inline_{is_inline} {
    fresh_->config = std::move(config);
  }

  std::shared_ptr<const catalog> build(const std::vector<std::uint32_t>& vacant) {
    if (before_ != nullptr) copy_numbers();
    fresh_->department_members.resize(fresh_->departments.size());
    for (std::uint32_t i = 0; i < fresh_->departments.size(); ++i)
      fresh_->by_department.emplace(fresh_->departments[i], i);
    for (std::uint32_t i = 0; i < fresh_->members.size(); ++i)
      known_.emplace(full_name(fresh_->department_of(i), fresh_->name_of(i)), i);
    find_free_numbers(vacant);
    for (const auto& department : fresh_->config.departments) {
      const auto number = number_of(department.name);
      for (const auto& one : department.specialists) place(described(one, number), department.name);
    }
    index_names();
    resolve_references();
    return std::move(fresh_);
  }

private:
  /// Every former member first counts as removed; `place` puts the members of today over them.
  void copy_numbers() {
    fresh_->generation = before_->generation + 1;
    fresh_->departments = before_->departments;
    fresh_->definitions = before_->definitions;
    fresh_->departed = before_->departed;
    fresh_->born = before_->born;
    fresh_->left = before_->left;
    fresh_->members.reserve(before_->members.size());
    for (std::size_t i = 0; i < before_->members.size(); ++i) {
      const auto& then = before_->members[i];
      auto& former = fresh_->departed[i];
      if (!former) {
        former = std::make_shared<config::specialist>(then.config);
        fresh_->left[i] = fresh_->generation;
      }
      auto& now = fresh_->members.emplace_back(*former);
      now.department = then.department;
      now.width = then.width;
      now.pending = then.pending;
      now.effects = then.effects;
      now.inline_function = then.inline_function;
      now.gone = true;
    }
  }

  [[nodiscard]] bool comes_back(std::uint32_t who) const {
    const auto* const department =
        config::find_department(fresh_->config, before_->department_of(who));
    return department != nullptr
           && std::ranges::find(department->specialists, before_->name_of(who),
                                &config::specialist::name)
                  != department->specialists.end();
  }

  void find_free_numbers(const std::vector<std::uint32_t>& vacant) {
    free_members_.resize(fresh_->departments.size());
    for (const auto who : vacant)
      if (!comes_back(who)) free_members_[fresh_->members[who].department].push_back(who);
    if (before_ == nullptr) return;
    // Departments that the configuration no longer has, and whose members' numbers are all free.
    for (std::uint32_t i = 0; i < before_->departments.size(); ++i)
      if (config::find_department(fresh_->config, before_->departments[i]) == nullptr
          && before_->department_members[i].size() == free_members_[i].size())
        free_departments_.push_back(i);
  }

  /// The department's number: as before, or a free one, or a new one.
  std::uint32_t number_of(const std::string& department) {
    auto& numbers = fresh_->by_department;
    if (const auto found = numbers.find(department); found != numbers.end()) return found->second;
    auto number = static_cast<std::uint32_t>(fresh_->departments.size());
    if (free_departments_.empty()) {
      fresh_->departments.push_back(department);
      fresh_->department_members.emplace_back();
      free_members_.emplace_back();
    } else {
      number = free_departments_.back();
      free_departments_.pop_back();
      numbers.erase(fresh_->departments[number]);
      fresh_->departments[number] = department;
    }
    numbers.emplace(department, number);
    return number;
  }

  [[nodiscard]] member described(const config::specialist& one, std::uint32_t department) const {
    member result{one};
    result.department = department;
    result.effects = effects_of(one.backend);
    result.inline_function = is_inline_ && is_inline_(one.name);
    // An inline callable has finished each task before it gets the next.
    result.width =
        result.inline_function ? inline_width : static_cast<std::uint32_t>(one.backend.concurrency);
    // A dispatched task may be journaled as begun, so a task that must not run twice is not
    // dispatched ahead.
    const bool ahead = !result.inline_function && result.effects != protocols::side_effects::unsafe;
    result.pending = result.width + (ahead ? 1 : 0);
    return result;
  }

  [[nodiscard]] bool has_same_worker(std::uint32_t who, const config::specialist& now) const {
    return config::same_worker(before_->members[who].config, now)
           && before_->config.limits.output_bytes == fresh_->config.limits.output_bytes;
  }

  /// Gives the member its former number, or a free one, or a new one.
  void place(const member& now, const std::string& department) {
    const auto old = known_.find(full_name(department, now.config.name));
    if (old != known_.end()) {
      const auto who = old->second;
      fresh_->members[who] = now;
      fresh_->departed[who].reset();
      if (!has_same_worker(who, now.config)) fresh_->definitions[who] = fresh_->generation;
    } else if (auto& numbers = free_members_[now.department]; !numbers.empty()) {
      const auto who = numbers.back();
      numbers.pop_back();
      fresh_->members[who] = now;
      fresh_->departed[who].reset();
      fresh_->definitions[who] = fresh_->born[who] = fresh_->generation;
    } else {
      fresh_->members.push_back(now);
      fresh_->departed.emplace_back();
      fresh_->born.push_back(fresh_->generation);
      fresh_->left.push_back(0);
      fresh_->definitions.push_back(fresh_->generation);
    }
  }

  void index_names() {
    std::size_t names = 0;
    for (const auto& one : fresh_->members) names += one.gone ? 0 : 1 + one.config.aliases.size();
    fresh_->by_name = name_index{names};
    for (std::uint32_t i = 0; i < fresh_->members.size(); ++i) {
      auto& one = fresh_->members[i];
      one.position = static_cast<std::uint32_t>(fresh_->department_members[one.department].size());
      fresh_->department_members[one.department].push_back(i);
      if (one.gone) continue;
      fresh_->by_name.add(one.config.name, i);
      for (const auto& alias : one.config.aliases) fresh_->by_name.add(alias, i);
    }
  }

  void resolve_references() {
    for (auto& one : fresh_->members)
      one.fallback =
          one.config.fallback.empty() ? catalog::nobody : fresh_->find(one.config.fallback);
    for (const auto& flow : fresh_->config.workflows) {
      auto& steps = fresh_->workflows.emplace_back();
      for (const auto& step : flow.steps) steps.push_back(fresh_->find(step));
    }
  }

  const catalog* const before_;
  const inline_test& is_inline_;
  std::shared_ptr<catalog> fresh_ = std::make_shared<catalog>();
  catalog::index known_;  ///< Numbers of the former members by full name.
  /// By department: the members' numbers that may be used again.
  std::vector<std::vector<std::uint32_t>> free_members_;
  std::vector<std::uint32_t> free_departments_;
};

}  // namespace

std::shared_ptr<const catalog> make_catalog(config::node config, const catalog* before,
                                            const std::function<bool(std::string_view)>& is_inline,
                                            const std::vector<std::uint32_t>& vacant) {
  return catalog_builder{std::move(config), before, is_inline}.build(vacant);
}

}  // namespace greenroom::actors
