// Wraps the journal's writer: detects and repairs damage to the journal's files.
#pragma once

#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/journal_openings.hpp"
#include "runtime/machine/journal/journal_writer.hpp"

#include <memory>
#include <optional>
#include <string>

namespace greenroom::machine {

/// At the start the guard compares the files with the mark, which records what was acknowledged.
/// While the files are open, it checks the paths after each commit. Damaged files are set aside,
/// readable rows are saved, and a new writer is opened.
class journal_guard final : public journal {
public:
  /// Throws `sqlite_error`.
  explicit journal_guard(const journal_options& options);
  ~journal_guard() override;
  journal_guard(const journal_guard&) = delete;
  journal_guard& operator=(const journal_guard&) = delete;

  base::expected<std::vector<verdict>> commit(std::span<const record> batch) override;
  base::expected<std::vector<stored_task>> unfinished() override;
  base::expected<std::size_t> prune(std::int64_t before_unix_ms, std::size_t most) override;
  base::expected<std::uint64_t> used_bytes() override;
  base::expected<std::string> state(std::string_view name) override;
  std::string identity() const override { return identity_; }
  std::pair<std::uint64_t, std::uint64_t> hash_key() const override { return hash_key_; }
  base::expected<void> look_after() override;

private:
  // journal_guard_start.cpp
  void start();
  void open_files();
  void rescue(const std::string& why);
  void open_writer(bool all_pages);
  void finish_what_was_begun();
  void announce(bool doubtful) const;
  void watch_place(bool doubtful);
  /// True when the journal holds less than was acknowledged.
  [[nodiscard]] bool compare_with_mark();
  void doubt_what_is_unsafe();
  void say(const journal_damage& what) const;

  base::expected<void> ready();
  base::expected<void> mend();
  base::expected<void> mend_now(journal_place::trouble what);
  base::expected<void> mend_moved_log();
  base::expected<void> mend_moved_file(journal_place::trouble what);
  void rescue_open(journal_place::trouble what);
  void reopen(const journal_damage& mended);
  [[nodiscard]] journal_damage all_saved(journal_place::trouble why, std::string aside) const;
  void refuse(std::span<const record> batch);
  base::expected<void> lock_again();
  [[nodiscard]] base::problem no_writer();

  journal_options options_;
  std::string path_;
  std::shared_ptr<journal_openings> others_;
  journal_lock lock_;
  std::optional<journal_mark> mark_;  ///< The mark that the previous process left.
  std::unique_ptr<journal_writer> writer_;
  std::string why_none_;         ///< The reason when `writer_` is null.
  std::vector<record> refused_;  ///< Ends of tasks that the file may hold although their callers
                                 ///< got an error.
  std::string identity_;
  std::pair<std::uint64_t, std::uint64_t> hash_key_;
  bool moved_reported_ = false;
  bool rescued_ = false;
};

}  // namespace greenroom::machine
