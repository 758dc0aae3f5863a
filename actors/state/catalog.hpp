// The cast as the node looks it up: names become numbers once, at the door.
#pragma once

#include "actors/state/name_index.hpp"
#include "config/node.hpp"
#include "protocols/task.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::actors {

/// One specialist. The fields that every task reads share one cache line.
struct alignas(64) member {
  explicit member(const config::specialist& of);
  member(const member&) = default;
  member& operator=(const member& other) {
    if (this != &other) {
      std::destroy_at(this);
      std::construct_at(this, other);
    }
    return *this;
  }
  ~member() = default;

  const config::specialist& config;  ///< Owned by the catalog.
  std::uint32_t department = 0;
  std::uint32_t fallback = 0xffffffffU;  ///< Index, or `catalog::nobody`.
  std::int64_t task_timeout_ns = 0;
  std::uint32_t position = 0;  ///< Within the department.
  std::uint32_t width = 1;     ///< Tasks that the worker may run at a time.
  std::uint32_t pending =
      2;  ///< Tasks dispatched at a time: `width`, and one ahead so that the worker never idles.
  protocols::side_effects effects = protocols::side_effects::idempotent;
  bool inline_function : 1 = false;
  bool gone : 1 = false;  ///< Removed by a reload.
  /// Without a configured `task_timeout` the start of the worker does not count.
  bool start_beside : 1 = false;

  /// By its name or an alias.
  [[nodiscard]] bool is_called(std::string_view name) const {
    return (length_ > 0 && name == std::string_view{letters_.data(), length_})
           || is_called_at_length(name);
  }

private:
  [[nodiscard]] bool is_called_at_length(std::string_view name) const;

  std::uint8_t length_ = 0;  // 0: the name is too long for this.
  std::array<char, 24> letters_{};
};
static_assert(sizeof(member) == 64);

/// Immutable. A reload makes a new catalog. Specialists keep their numbers; the number of a removed
/// specialist is used again when nothing in the node refers to it.
struct catalog {
  static constexpr std::uint32_t nobody = name_index::nobody;

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using index = std::unordered_map<std::string, std::uint32_t, text_hash, std::equal_to<>>;

  config::node config;
  std::uint32_t generation = 1;  ///< The number of reloads, the first reading included.
  std::vector<member> members;
  /// By member: the generation in which what is baked into its worker last changed.
  std::vector<std::uint32_t> definitions;
  /// By member: the former configuration of a removed specialist, else null.
  std::vector<std::shared_ptr<const config::specialist>> departed;
  /// By member: the generation in which the number got its name. Older data about the number is
  /// about another specialist.
  std::vector<std::uint32_t> born;
  /// By member: the generation in which a removed specialist was removed.
  std::vector<std::uint32_t> left;
  std::vector<std::string> departments;
  std::vector<std::vector<std::uint32_t>> department_members;  ///< By department: its members.
  name_index by_name;  ///< Names and aliases, without removed specialists.
  index by_department;
  std::vector<std::vector<std::uint32_t>> workflows;  ///< As in config.workflows, by number.

  [[nodiscard]] std::uint32_t find(std::string_view name) const {
    return by_name.find(name, [&](std::uint32_t who) { return members[who].is_called(name); });
  }
  [[nodiscard]] const std::string& name_of(std::uint32_t who) const {
    return members[who].config.name;
  }
  [[nodiscard]] const std::string& department_of(std::uint32_t who) const {
    return departments[members[who].department];
  }
  /// The three names and aliases that look most like `name`; none when it is too long to be one.
  [[nodiscard]] std::vector<std::string> nearest(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> nearest_department(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> nearest_command(std::string_view name) const;
};

/// @pre `config` has passed the checks of the loader. `before` may be null. `is_inline`
/// says which specialists are callables that run where the task arrives. `vacant` are numbers of
/// `before` that may be used again.
[[nodiscard]] std::shared_ptr<const catalog> make_catalog(
    config::node config, const catalog* before,
    const std::function<bool(std::string_view)>& is_inline = {},
    const std::vector<std::uint32_t>& vacant = {});

}  // namespace greenroom::actors
