// State and events that wait for the journal's next transaction, and the actors that wait for them.
#pragma once

#include "protocols/journal_messages.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// Not thread-safe.
class journal_backlog {
public:
  /// Records that are kept while the journal cannot write.
  static constexpr std::size_t records_max = 4096;
  struct confirmation {
    protocols::state_writer_actor writer;
    std::uint64_t token = 0;
  };

  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] const std::deque<machine::record>& records() const { return records_; }

  void add(protocols::event_to_log event);
  /// `replace`: the journal cannot write, so only the latest state of a name is kept.
  void add(protocols::state_to_keep state, bool replace);
  void add(protocols::state_to_confirm state, bool replace);
  /// Removes records beyond the bound: events first, because the last value of a state counts.
  void trim();
  /// The records are durable. Returns the writers that wait for that, each once with the latest
  /// token.
  [[nodiscard]] std::vector<confirmation> take_confirmations();

private:
  std::deque<machine::record> records_;
  std::vector<confirmation> confirmations_;
};

}  // namespace greenroom::actors
