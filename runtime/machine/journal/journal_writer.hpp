// The one writer of a journal, over SQLite.
#pragma once

#include "runtime/machine/journal/ended_rows.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/journal_checkpoint.hpp"
#include "runtime/machine/journal/journal_place.hpp"
#include "runtime/machine/journal/journal_rescue.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::machine {

/// What the file knows is in the file; kept in memory beside it are the numbers of names and the
/// rows of unfinished tasks, so that an end finds its row without a search. A batch that fails
/// takes back what it did to them.
class journal_writer final : public journal {
public:
  /// Throws `sqlite_error`. A journal without an identity gets `options.expected` as its own, or a
  /// new one. `all_pages`: looks at each page, however many there are.
  explicit journal_writer(const journal_options& options, bool all_pages = false);
  ~journal_writer() override;
  journal_writer(const journal_writer&) = delete;
  journal_writer& operator=(const journal_writer&) = delete;

  journal_result<std::vector<verdict>> commit(std::span<const record> batch) override;
  journal_result<std::vector<stored_task>> unfinished() override;
  journal_result<std::size_t> prune(std::int64_t before_unix_ms, std::size_t most) override;
  journal_result<std::uint64_t> used_bytes() override;
  journal_result<std::string> state(std::string_view name) override;
  std::string identity() const override { return identity_; }
  std::pair<std::uint64_t, std::uint64_t> hash_key() const override { return hash_key_; }

  /// From now on the files' places are watched, and the mark is kept.
  void watch_place(const journal_lock& lock, journal_mark begin);
  /// What was wrong with them after the last commit.
  [[nodiscard]] journal_place::trouble trouble() const { return trouble_; }
  journal_place::trouble look();  // NOLINT(modernize-use-nodiscard)
  /// True when a log that is shorter than it was has been emptied by another program, as it may be
  /// once all of it is in the file (a checkpoint in a person's sqlite3 shell).
  [[nodiscard]] bool log_was_emptied();
  /// The last failure was a page that could not be read.
  [[nodiscard]] bool corrupt() const { return corrupt_; }
  [[nodiscard]] journal_place::counts counts() const;
  /// What the numbers of names and sessions in its rows stand for.
  [[nodiscard]] known_numbers numbers() const;
  /// The connection, for a copy of what it sees. Nothing is committed meanwhile.
  [[nodiscard]] sqlite_connection& connection() { return db_; }
  /// Copies the whole log into the file. False when a reader, or the disk, is in the way.
  [[nodiscard]] bool checkpoint();
  /// The same at the end of a life: then the file alone is the journal.
  void close_clean();

private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct open_task {
    std::int64_t row = 0;
    bool started = false;
  };
  struct statements;

  void load();
  /// Looks at every row of a file that is not too large for that: what is found by its id later
  /// would not be found when the id itself is what was damaged.
  void check_rows(bool whatever_its_size);
  void find_identity(const std::string& wanted);
  std::string fresh_text();
  void committed();
  journal_error failed(const std::exception& wrong);
  void roll_back() noexcept;
  verdict write(const accept_record& accepted);
  void write(const start_record& started);
  verdict write(const end_record& ended);
  void write(const state_record& state);
  void write(const event_record& event);
  std::int64_t number_of_name(std::string_view text);
  std::int64_t number_of_epoch(std::uint64_t epoch);
  void keep_mark();
  void settle();
  std::size_t prune_tasks(std::int64_t before_unix_ms, std::size_t most);
  std::size_t prune_events(std::int64_t before_unix_ms, std::size_t most);

  sqlite_connection db_;
  bool in_memory_;
  std::unique_ptr<journal_place> place_;
  journal_place::trouble trouble_ = journal_place::trouble::none;
  bool corrupt_ = false;
  std::string identity_;
  std::pair<std::uint64_t, std::uint64_t> hash_key_;
  std::int64_t summed_from_ = 1;
  std::uint64_t tasks_ = 0, ends_ = 0;
  std::function<void(const journal_damage&)> on_damage_;
  std::unique_ptr<statements> sql_;
  std::unique_ptr<journal_checkpointer> checkpointer_;

  std::unordered_map<std::string, std::int64_t, text_hash, std::equal_to<>> names_;
  std::unordered_map<std::uint64_t, std::int64_t> epochs_;
  std::unordered_map<protocols::task_id, open_task, protocols::task_id_hash> open_;
  std::int64_t next_row_ = 1;
  std::int64_t oldest_ = 1;       ///< Every task below this row has ended.
  std::int64_t oldest_kept_ = 1;  ///< What the file says of it.
  ended_rows ended_;              ///< Of the rows from `oldest_` on.

  // What the batch in hand has done to all this.
  struct changes {
    std::vector<std::string> names;
    std::vector<std::uint64_t> epochs;
    std::vector<protocols::task_id> accepted;
    std::vector<protocols::task_id> started;
    std::vector<std::pair<protocols::task_id, open_task>> ended;
    std::int64_t first_row = 1;
  };
  changes batch_;
};

}  // namespace greenroom::machine
