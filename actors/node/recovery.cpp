#include "actors/node/recovery.hpp"

#include "actors/monitoring/evidence.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "protocols/base/number.hpp"
#include "runtime/rollout/rollback_plan.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace greenroom::actors {

namespace {

// Earlier versions kept the plans of all rollbacks.
void delete_old_rollbacks(machine::journal& from, std::uint64_t count) {
  constexpr std::uint64_t kept = status_board::rollbacks_max;
  constexpr int gap_max = 64;  // After so many missing records in a row there is no older one.
  constexpr std::size_t batch_max = 2048;
  std::vector<machine::record> batch;
  int gap = 0;
  for (auto id = count > kept ? count - kept : 0;
       id > 0 && gap < gap_max && batch.size() < batch_max; --id) {
    const auto name = rollback_record(id);
    const auto found = from.state(name);
    if (!found || found->empty()) {
      ++gap;
      continue;
    }
    gap = 0;
    batch.emplace_back(machine::state_record{name, {}});
    batch.emplace_back(machine::state_record{name + ".analysis", {}});
  }
  // The next writer meets the same failure.
  static_cast<void>(from.commit(batch));
}

// The number of rollbacks so far. When the count is not a possible one, the records themselves are
// searched, because the latest rollback may be under way.
template <class Read>
std::uint64_t rollbacks_in(const Read& read) {
  using plan = runtime::rollout::rollback_plan;
  const auto text = read(rollback_count_record);
  if (text.empty()) return 0;
  if (const auto count = base::parse_number<std::uint64_t>(text);
      count && *count <= plan::most_rollbacks)
    return *count;
  constexpr std::uint64_t searched = 4096;
  std::uint64_t last = 0;
  for (std::uint64_t id = 1; id <= searched; ++id)
    if (!read(rollback_record(id)).empty()) last = id;
  return last;
}

}  // namespace

journaled_status read_journaled_status(machine::journal& from) {
  const auto read = [&from](const std::string& name) { return from.state(name).value_or(""); };
  journaled_status result;
  result.rollout = read(rollout_record);
  const auto count = rollbacks_in(read);
  constexpr std::uint64_t kept = status_board::rollbacks_max;
  for (auto id = count > kept ? count - kept + 1 : 1; id <= count; ++id) {
    auto plan = read(rollback_record(id));
    if (plan.empty()) continue;
    result.rollbacks.emplace_back(std::move(plan), read(rollback_record(id) + ".analysis"));
  }
  delete_old_rollbacks(from, count);
  for (std::uint64_t page = 0; page < evidence_pages; ++page)
    result.evidence.push_back(read(evidence_record(page)));
  return result;
}

}  // namespace greenroom::actors
