// Which specialist a request means.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "protocols/task_request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::actors {

/// Any thread.
class specialist_lookup {
public:
  /// An index in the catalog, or why there is none.
  using result = std::variant<std::uint32_t, refusal>;

  specialist_lookup(const node_clock& clock, const catalog_store& catalogs,
                    const pool_records& records)
      : clock_{clock}, catalogs_{catalogs}, pools_{records} {}

  /// `specialist`: a name or an alias.
  [[nodiscard]] result find(std::string_view specialist) const;
  /// For a department or a command: the best placed specialist of the department in this pool.
  [[nodiscard]] result find(const task_request& request, protocols::pool_kind pool) const;
  /// The specialist of a department that answers best now: warm before cold, then with the shortest
  /// queue, then with the highest priority. `catalog::nobody` when the department is empty.
  [[nodiscard]] std::uint32_t best_of(std::uint32_t department, protocols::pool_kind pool) const;

private:
  const node_clock& clock_;
  const catalog_store& catalogs_;
  const pool_records& pools_;
};

/// Why a request does not say whom it is for, if it does not.
[[nodiscard]] std::optional<refusal> misaddressed(const task_request& request);

/// A hash of the target that the caller named: it is the same request whichever specialist of a
/// department, or which fallback, answers. `specialist`: the name in the catalog.
[[nodiscard]] std::uint64_t address_hash(const task_request& request,
                                         const std::string& specialist);

/// The number under which predictions know a session; 0: the request belongs to no session.
[[nodiscard]] std::uint64_t case_key_of(std::string_view case_id);

}  // namespace greenroom::actors
