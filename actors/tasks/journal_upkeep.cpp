#include "actors/tasks/journal_upkeep.hpp"

#include "actors/state/text.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

namespace greenroom::actors {

namespace {

constexpr std::size_t rows_max = 2000;
// Of tasks that are not too old, in a journal that is too large: as few as it takes.
constexpr std::size_t rows_early_max = 200;

}  // namespace

bool journal_upkeep::prune(machine::journal& journal) {
  const auto& rules = parts_.catalogs.now().config.journal;
  const auto now = parts_.clock.unix_ms();
  const auto used = journal.used_bytes();
  const bool too_large = used && *used > rules.max_bytes;
  const auto rows = too_large ? journal.prune(now, rows_early_max)
                              : journal.prune(now - rules.keep_finished.count(), rows_max);
  if (!rows) return false;
  if (too_large && *rows > 0 && !std::exchange(size_reported_, true))
    parts_.events.publish("journal.pruned_early",
                          json_object{{"bytes", *used}, {"key", "journal.max_bytes"}});
  if (!too_large) size_reported_ = false;
  return *rows >= rows_max || (too_large && *rows > 0);
}

}  // namespace greenroom::actors
