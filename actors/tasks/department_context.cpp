#include "actors/tasks/department_context.hpp"

#include <atomic>
#include <utility>

namespace greenroom::actors {

namespace {

std::atomic<std::uint32_t> incarnations{0};

}  // namespace

department_context::department_context(department_base& actor, const department_parts& with,
                                       std::uint32_t department_index, protocols::pool_kind in,
                                       protocols::director_actor to)
    : self{actor},
      parts{with},
      index{department_index},
      pool{in},
      director{std::move(to)},
      random{with.seed * 2654435761U + std::uint64_t{department_index} * 2
             + static_cast<std::uint64_t>(in)},
      incarnation{++incarnations} {}

specialist_entry& department_context::entry_of(std::uint32_t specialist) {
  const auto* now = &catalog_now();
  while (now->generation != generation) {
    adopt_catalog();
    now = &catalog_now();
  }
  return entries[now->members[specialist].position];
}

}  // namespace greenroom::actors
