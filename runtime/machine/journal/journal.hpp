// The journal: accepted tasks, their ends, and the node's own durable state, in SQLite.
#pragma once

#include "protocols/task.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace greenroom::machine {

/// A task was accepted. Durable once the batch that holds it is committed. Written once: a second
/// one with the same id is ignored.
struct accept_record {
  protocols::task_id id;
  std::string specialist;
  std::string department;
  protocols::priority urgency = protocols::priority::normal;
  protocols::side_effects effects = protocols::side_effects::idempotent;
  std::string input;
  std::string case_id;
  std::string idempotency_key;     ///< Empty: none.
  std::uint64_t request_hash = 0;  ///< Of everything that makes two requests the same.
  std::uint64_t former_hash = 0;  ///< As format 2 made it, for tasks that are still kept from then.
  std::int64_t accepted_unix_ms = 0;
  std::int64_t deadline_unix_ms = 0;
};

/// An unsafe task is about to be handed to its worker: after a crash it must not run again.
struct start_record {
  protocols::task_id id;
  std::uint32_t attempts = 0;  ///< The one that begins included.
};

/// A task ended. Written once; a second end of the same task is ignored.
struct end_record {
  protocols::task_id id;
  protocols::task_state state = protocols::task_state::completed;
  protocols::failure why = protocols::failure::none;
  std::string output;  ///< The result, or the error message.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  protocols::pool_kind pool = protocols::pool_kind::intelligent;
  std::int64_t ended_unix_ms = 0;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;  ///< Kept to the microsecond.
};

/// A named piece of the node's state (a rollout, learned weights …), replaced whole. An empty value
/// takes it out.
struct state_record {
  std::string name;
  std::string value;
};

/// An entry of an append-only log (events, decisions, samples of a rollout), pruned by age.
struct event_record {
  std::string kind;
  std::int64_t unix_ms = 0;
  std::string json;
};

using record = std::variant<accept_record, start_record, end_record, state_record, event_record>;

/// What became of one record of a committed batch.
struct verdict {
  enum class kind : std::uint8_t {
    written,
    same_request,  ///< The idempotency key is known and so is the request: `existing` has it.
    key_conflict,  ///< The idempotency key is known for another request.
    not_open,      ///< Of an end: there is no such task, or it has an end already.
  };
  kind what = kind::written;
  protocols::task_id existing;
};

/// A task as the journal knows it. State is queued until its end is written, or running when a
/// start was recorded.
struct stored_task {
  accept_record accepted;
  protocols::task_state state = protocols::task_state::queued;
  std::optional<end_record> ended;
  std::uint32_t attempts = 0;
  std::uint64_t output_bytes = 0;  ///< Of the whole output, in a list.
  bool output_left_out = false;    ///< `ended->output` is not here, or only an error's beginning.
  /// A row of it does not match its checksum. What of it can be relied on is here; without an end
  /// that can, `ended` says that it is unknown.
  bool damaged = false;
};

struct task_query {
  std::optional<protocols::task_state> state = {};
  std::string specialist = {};  ///< Empty: any.
  std::size_t limit = 100;
  std::string cursor = {};  ///< From an earlier page; empty: the newest.
  /// An output longer than this is left out, and of an error its first `error_bytes_max` are told.
  std::uint64_t output_bytes_max = std::uint64_t{64} << 10;
  std::uint64_t error_bytes_max = 1024;
  /// The page ends when its items are so many bytes; it has one item at least.
  std::uint64_t bytes_max = std::uint64_t{1} << 20;
  /// So many pieces of the journal (20,000 tasks each) are looked through before the page ends.
  int pieces_max = 25;
};
struct task_page {
  std::vector<stored_task> items;  ///< Newest first.
  std::string next;                ///< Empty when this is the last page.
};

/// Everything fails with a message for the operator; the journal stays usable after a failed call
/// (a full disk may be freed).
struct journal_error {
  std::string what;
};
template <class T>
using journal_result = std::variant<T, journal_error>;

/// The journal, or a part of it, is not as it was left.
struct journal_damage {
  std::string what;       ///< A sentence for the operator.
  std::string set_aside;  ///< Where the damaged files are now; empty: nothing was moved.
  bool counted = false;   ///< The counts below are known.
  std::uint64_t saved_tasks = 0, lost_tasks = 0;
  std::uint64_t saved_ends = 0, lost_ends = 0;
};
/// All of it in one sentence.
[[nodiscard]] std::string to_string(const journal_damage& what);

struct journal_options {
  std::string path;   ///< A file, or ":memory:" in tests.
  bool fsync = true;  ///< False: survives kill -9 of the node, not a power cut.
  /// Which journal it must be, as `journal::identity` gave it; empty: whichever is there.
  std::string expected = {};
  /// Hears of damage, from the thread of the call that found it.
  std::function<void(const journal_damage&)> on_damage = {};
};

/// One writer, used from one thread at a time; `journal_reader` may read from another thread.
class journal {
public:
  /// Refuses a file of a newer version, migrates an older one, recovers a write-ahead log, and
  /// takes a lock so that two nodes never share a journal. Files that are damaged, missing or of
  /// another journal are set aside, what can be saved of them is, and `on_damage` hears of it.
  static journal_result<std::unique_ptr<journal>> open(const journal_options& options);
  virtual ~journal() = default;

  /// One transaction for the whole batch: all of it is durable, or none. Verdicts in order.
  virtual journal_result<std::vector<verdict>> commit(std::span<const record> batch) = 0;

  /// Accepted and not ended, oldest first: what must run after a restart.
  virtual journal_result<std::vector<stored_task>> unfinished() = 0;
  /// Deletes tasks ended, and events logged, before `before_unix_ms`, at most `most` rows a call so
  /// that commits are not held up. Returns how many rows went.
  virtual journal_result<std::size_t> prune(std::int64_t before_unix_ms, std::size_t most) = 0;
  /// Bytes of the file that hold something; what was pruned is used again before the file grows.
  virtual journal_result<std::uint64_t> used_bytes() { return std::uint64_t{0}; }
  [[nodiscard]] virtual journal_result<std::string> state(
      std::string_view name) = 0;  ///< "" if none

  /// 32 hexadecimal digits, of this journal and of no other; copies have the same.
  [[nodiscard]] virtual std::string identity() const { return {}; }
  /// Made with the journal, and kept in it: what requests are hashed with (two words).
  [[nodiscard]] virtual std::pair<std::uint64_t, std::uint64_t> hash_key() const { return {}; }
  /// To be called now and then while nothing is committed: looks whether the files are still where
  /// they were, and mends it. An error: they are not, and nothing can be acknowledged.
  virtual journal_result<std::monostate> look_after() { return std::monostate{}; }
};

/// Read-only, on a connection of its own: from any one thread at a time, while the writer writes.
/// Needs a file (not ":memory:") that a writer has opened once.
class journal_reader {
public:
  static journal_result<std::unique_ptr<journal_reader>> open(const journal_options& options);
  virtual ~journal_reader() = default;
  virtual journal_result<std::optional<stored_task>> find(const protocols::task_id& id) = 0;
  /// In the order of acceptance, so that pages do not shift when tasks are added. Inputs are left
  /// out, and long outputs. A filter that hardly any task passes is given up after
  /// `task_query::pieces_max`: such a page has fewer items than `limit`, or none, and a `next` that
  /// goes on from there. A cursor that is none is an error.
  virtual journal_result<task_page> list(const task_query& query) = 0;
  /// Newest first; an empty kind stands for all.
  virtual journal_result<std::vector<event_record>> events(std::string_view kind,
                                                           std::size_t limit) = 0;
  /// Counts by state, for the ledger that proves accepted = ended + unfinished.
  struct totals {
    std::uint64_t accepted = 0, ended = 0, unfinished = 0;
  };
  virtual journal_result<totals> count() = 0;
};

/// Writes a consistent copy of the journal at `options.path`, beside its writer, to the file `to`,
/// which must not be there; not in one piece, so that the writer goes on. Everything that was
/// acknowledged before the call is in it. `go_on` is asked now and then; false ends it.
[[nodiscard]] journal_result<std::monostate> copy_journal(const journal_options& options,
                                                          const std::string& to,
                                                          const std::function<bool()>& go_on);

}  // namespace greenroom::machine
