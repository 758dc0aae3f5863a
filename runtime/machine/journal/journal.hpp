// The journal: accepted tasks, ends of tasks and the node's durable state, in SQLite.
#pragma once

#include "protocols/base/expected.hpp"
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

/// An accepted task. Durable once the record's batch is committed. A second record with the same id
/// is ignored.
struct accept_record {
  protocols::task_id id;
  std::string specialist;
  std::string department;
  protocols::priority urgency = protocols::priority::normal;
  protocols::side_effects effects = protocols::side_effects::idempotent;
  std::string input;
  std::string case_id;
  std::string idempotency_key;     ///< Empty: none.
  std::uint64_t request_hash = 0;  ///< Hash of every field that makes two requests equal.
  std::uint64_t former_hash = 0;   ///< The hash in format 2, for tasks kept since then.
  std::int64_t accepted_unix_ms = 0;
  std::int64_t deadline_unix_ms = 0;
};

/// An unsafe task is about to be sent to a worker: after a crash the task must not run again.
struct start_record {
  protocols::task_id id;
  std::uint32_t attempts = 0;  ///< Including the attempt that begins.
};

/// The end of a task. A second end of the same task is ignored.
struct end_record {
  protocols::task_id id;
  protocols::task_state state = protocols::task_state::completed;
  protocols::failure why = protocols::failure::none;
  std::string output;  ///< The result, or the error message.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  protocols::pool_kind pool = protocols::pool_kind::intelligent;
  std::int64_t ended_unix_ms = 0;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;  ///< Rounded to the microsecond.
};

/// A named piece of the node's state (a rollout, learned weights …), replaced as a whole. An empty
/// value deletes the piece.
struct state_record {
  std::string name;
  std::string value;
};

/// An entry of an append-only log (events, decisions, samples of a rollout); old entries are
/// pruned.
struct event_record {
  std::string kind;
  std::int64_t unix_ms = 0;
  std::string json;
};

using record = std::variant<accept_record, start_record, end_record, state_record, event_record>;

/// The result for one record of a committed batch.
struct verdict {
  enum class kind : std::uint8_t {
    written,
    same_request,  ///< The key is known and the request is equal: `existing` is the earlier task.
    key_conflict,  ///< The key is known, but for another request.
    not_open,      ///< For an end: the task is unknown or has ended already.
  };
  kind what = kind::written;
  protocols::task_id existing;
};

/// A task as the journal stores it. The state is queued until an end is written, or running once a
/// start is recorded.
struct stored_task {
  accept_record accepted;
  protocols::task_state state = protocols::task_state::queued;
  std::optional<end_record> ended;
  std::uint32_t attempts = 0;
  std::uint64_t output_bytes = 0;  ///< Size of the whole output, also when a list leaves the output
                                   ///< out.
  bool output_left_out = false;    ///< `ended->output` is empty, or only the beginning of an error.
  /// A row of the task fails its checksum. Only trustworthy fields are set; if the end is not
  /// trustworthy, `ended` reports the end as unknown.
  bool damaged = false;
};

struct task_query {
  std::optional<protocols::task_state> state = {};
  std::string specialist = {};  ///< Empty: any.
  std::size_t limit = 100;
  std::string cursor = {};  ///< From an earlier page; empty: start at the newest task.
  /// A longer output is left out; a longer error is cut to `error_bytes_max`.
  std::uint64_t output_bytes_max = std::uint64_t{64} << 10;
  std::uint64_t error_bytes_max = 1024;
  /// The page ends at this size, but holds at least one item.
  std::uint64_t bytes_max = std::uint64_t{1} << 20;
  /// The page ends after a scan of this many pieces of the journal (20,000 tasks each).
  int pieces_max = 25;
};
struct task_page {
  std::vector<stored_task> items;  ///< Newest first.
  std::string next;                ///< Empty when this is the last page.
};

/// A failure of the journal, with a message for the operator. The journal stays usable after a
/// failed call, because a full disk may be freed.
[[nodiscard]] inline base::problem journal_problem(std::string text) {
  return {"journal", std::move(text)};
}

/// The journal's files, or parts of the files, are damaged, missing or replaced.
struct journal_damage {
  std::string what;       ///< A sentence for the operator.
  std::string set_aside;  ///< The damaged files' new path; empty: no file was moved.
  bool counted = false;   ///< The counts below are valid.
  std::uint64_t saved_tasks = 0, lost_tasks = 0;
  std::uint64_t saved_ends = 0, lost_ends = 0;
};
/// Returns the whole report as one sentence.
[[nodiscard]] std::string to_string(const journal_damage& what);

struct journal_options {
  std::string path;   ///< A file, or ":memory:" in tests.
  bool fsync = true;  ///< False: commits survive kill -9 of the node, but not a power cut.
  /// The identity (`journal::identity`) that the file must have; empty: any.
  std::string expected = {};
  /// Called on damage, in the thread of the call that found the damage.
  std::function<void(const journal_damage&)> on_damage = {};
};

/// The writer, used by one thread at a time; `journal_reader` may read in another thread.
class journal {
public:
  /// Refuses a file of a newer version, migrates an older version, recovers the write-ahead log,
  /// and takes a lock so that two nodes never share a journal. Damaged or missing files and files
  /// of another journal are set aside; all readable rows are saved, and `on_damage` is called.
  static base::expected<std::unique_ptr<journal>> open(const journal_options& options);
  virtual ~journal() = default;

  /// Commits the whole batch in one transaction. Returns the verdicts in the batch's order.
  virtual base::expected<std::vector<verdict>> commit(std::span<const record> batch) = 0;

  /// Returns the tasks without an end, oldest first: the tasks to run after a restart.
  virtual base::expected<std::vector<stored_task>> unfinished() = 0;
  /// Deletes tasks that ended, and events that were logged, before `before_unix_ms`: at most `most`
  /// rows a call, so that commits are not delayed. Returns the number of deleted rows.
  virtual base::expected<std::size_t> prune(std::int64_t before_unix_ms, std::size_t most) = 0;
  /// Bytes in use in the file; SQLite reuses pruned space before the file grows.
  virtual base::expected<std::uint64_t> used_bytes() { return std::uint64_t{0}; }
  [[nodiscard]] virtual base::expected<std::string> state(
      std::string_view name) = 0;  ///< "" if there is none.

  /// 32 hexadecimal digits, unique to this journal and its copies.
  [[nodiscard]] virtual std::string identity() const { return {}; }
  /// The key for request hashes (two words), created with the journal and stored in the journal.
  [[nodiscard]] virtual std::pair<std::uint64_t, std::uint64_t> hash_key() const { return {}; }
  /// Checks that the files are still in place, and repairs the journal if not. Call periodically
  /// while no commit runs. An error means that the repair failed and no task can be acknowledged.
  virtual base::expected<void> look_after() { return {}; }
};

/// A read-only connection: used by one thread at a time, also while the writer writes. Needs a file
/// (not ":memory:") that a writer has opened before.
class journal_reader {
public:
  static base::expected<std::unique_ptr<journal_reader>> open(const journal_options& options);
  virtual ~journal_reader() = default;
  virtual base::expected<std::optional<stored_task>> find(const protocols::task_id& id) = 0;
  /// Lists tasks in the order of acceptance, so that pages do not shift when tasks are added.
  /// Inputs and long outputs are left out. If a filter matches few tasks, the scan stops after
  /// `task_query::pieces_max`: the page then has fewer items than `limit`, possibly none, and
  /// `next` continues the scan. An invalid cursor is an error.
  virtual base::expected<task_page> list(const task_query& query) = 0;
  /// Newest first; an empty kind matches all kinds.
  virtual base::expected<std::vector<event_record>> events(std::string_view kind,
                                                           std::size_t limit) = 0;
  /// Counts by state, for the check that accepted = ended + unfinished.
  struct totals {
    std::uint64_t accepted = 0, ended = 0, unfinished = 0;
  };
  virtual base::expected<totals> count() = 0;
};

/// Writes a consistent copy of the journal at `options.path` to the new file `to`, in steps, so
/// that the writer can commit meanwhile. The copy holds everything acknowledged before the call.
/// `go_on` is called between steps; false aborts the copy.
[[nodiscard]] base::expected<void> copy_journal(const journal_options& options,
                                                const std::string& to,
                                                const std::function<bool()>& go_on);

}  // namespace greenroom::machine
