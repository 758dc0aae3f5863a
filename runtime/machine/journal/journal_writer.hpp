// The journal's writer, over SQLite.
#pragma once

#include "protocols/base/text_hash.hpp"
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

/// The file holds all data. Memory holds a cache of the names' numbers and of the unfinished tasks'
/// rows, so that an end finds the row without a search. A failed batch rolls the cache back.
class journal_writer final : public journal {
public:
  /// Throws `sqlite_error`. A journal without an identity gets `options.expected`, or a new
  /// identity if that is empty. `all_pages`: check every page, whatever the file's size.
  explicit journal_writer(const journal_options& options, bool all_pages = false);
  ~journal_writer() override;
  journal_writer(const journal_writer&) = delete;
  journal_writer& operator=(const journal_writer&) = delete;

  base::expected<std::vector<verdict>> commit(std::span<const record> batch) override;
  base::expected<std::vector<stored_task>> unfinished() override;
  base::expected<std::size_t> prune(std::int64_t before_unix_ms, std::size_t most) override;
  base::expected<std::uint64_t> used_bytes() override;
  base::expected<std::string> state(std::string_view name) override;
  std::string identity() const override { return identity_; }
  std::pair<std::uint64_t, std::uint64_t> hash_key() const override { return hash_key_; }

  /// Starts to check the files' paths after each commit, and to write the mark.
  void watch_place(const journal_lock& lock, journal_mark begin);
  /// The files' trouble after the last commit.
  [[nodiscard]] journal_place::trouble trouble() const { return trouble_; }
  journal_place::trouble look();  // NOLINT(modernize-use-nodiscard)
  /// True when the log is shorter because another program emptied the log after a checkpoint (such
  /// as an operator's sqlite3 shell). This is harmless.
  [[nodiscard]] bool log_was_emptied();
  /// True when the last failure was an unreadable page.
  [[nodiscard]] bool corrupt() const { return corrupt_; }
  [[nodiscard]] journal_place::counts counts() const;
  /// The numbers that stand for names and sessions in the rows.
  [[nodiscard]] known_numbers numbers() const;
  /// The connection, as the source of a copy. The caller must not commit meanwhile.
  [[nodiscard]] sqlite_connection& connection() { return db_; }
  /// Copies the whole log into the file. False when a reader or a disk error prevents it.
  [[nodiscard]] bool checkpoint();
  /// Checkpoints before the journal closes, so that the file alone is the whole journal.
  void close_clean();

private:
  struct open_task {
    std::int64_t row = 0;
    bool started = false;
  };
  struct statements;

  void load();
  /// Checks every row unless the file is too large: a later search by id would not find a row whose
  /// id is damaged.
  void check_rows(bool whatever_its_size);
  void find_identity(const std::string& wanted);
  std::string fresh_text();
  void committed();
  base::problem failed(const std::exception& wrong);
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

  base::text_map<std::int64_t> names_;
  std::unordered_map<std::uint64_t, std::int64_t> epochs_;
  std::unordered_map<protocols::task_id, open_task, protocols::task_id_hash> open_;
  std::int64_t next_row_ = 1;
  std::int64_t oldest_ = 1;       ///< Every task in a lower row has ended.
  std::int64_t oldest_kept_ = 1;  ///< The value of `oldest_` in the file.
  ended_rows ended_;              ///< Covers the rows from `oldest_` on.

  // The current batch's changes to the cache, for a rollback.
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
