// How the guard opens a journal: examines, repairs, opens, and compares with the mark.
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_examination.hpp"
#include "runtime/machine/journal/journal_guard.hpp"
#include "runtime/machine/journal/journal_replacement.hpp"
#include "runtime/machine/journal/journal_rescue.hpp"
#include "runtime/machine/journal/journal_rows.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <utility>

namespace greenroom::machine {

namespace {

using mark_stage = journal_mark::stage;

bool is_damage(const sqlite_error& wrong) {
  return wrong.code() == SQLITE_CORRUPT || wrong.code() == SQLITE_NOTADB;
}

}  // namespace

void journal_guard::start() {
  if (const auto made = create_journal_directory(path_); !made)
    throw sqlite_error{SQLITE_CANTOPEN, made.error().text};
  if (const auto locked = lock_again(); !locked)
    throw sqlite_error{SQLITE_BUSY, locked.error().text};
  mark_ = journal_mark_file::read(path_);
  rescued_ = false;
  try {
    finish_what_was_begun();
    open_files();
  } catch (...) {
    // Leave no mark beside a file that is not this node's.
    if (!mark_) ::unlink(journal_mark_file::name_of(path_).c_str());
    throw;
  }
}

/// A crash between the mark and the rename of a replacement leaves the replacement complete and
/// flushed.
void journal_guard::finish_what_was_begun() {
  if (!mark_ || mark_->replaced_by == 0) return;
  const auto fresh = number_of_file(replacement_of(path_));
  if (!fresh || fresh->inode != mark_->replaced_by) return;
  auto aside = finish_replacement(path_);
  say({path_ + " was being replaced when its node ended, and has been replaced now",
       std::move(aside)});
}

/// From here on the log may be new.
void journal_guard::announce(bool doubtful) const {
  auto begin = mark_.value_or(journal_mark{});
  if (begin.at == mark_stage::closed) begin.at = mark_stage::opening;
  begin.replaced_by = 0;
  if (doubtful) begin.suspect |= journal_mark::lost_starts;
  journal_mark_file file;
  file.open(path_);
  file.write(begin);
  // The log is flushed: after a power cut it must not be found beside a mark without a log.
  file.flush();
}

void journal_guard::watch_place(bool doubtful) {
  auto begin = mark_.value_or(journal_mark{});
  begin.suspect = doubtful ? journal_mark::lost_starts : 0;
  writer_->watch_place(lock_, std::move(begin));
}

void journal_guard::open_files() {
  bool doubtful =
      wal_is_missing(path_, mark_) || (mark_ && (mark_->suspect & journal_mark::lost_starts) != 0);
  if (const auto found = examine_journal(path_, mark_, options_.expected)) {
    doubtful = true;
    if (found->how == journal_finding::help::rescue) {
      rescue(found->what);
    } else {
      journal_damage aside{found->what, set_log_aside(path_)};
      if (mark_) mark_->frames = 0;
      aside.saved_tasks = mark_ ? mark_->tasks : 0;
      aside.saved_ends = mark_ ? mark_->ends : 0;
      // Losses in the file are found and reported below.
      aside.counted = mark_.has_value();
      say(aside);
    }
  }
  if (const auto made = create_journal_file(path_); !made)
    throw sqlite_error{SQLITE_CANTOPEN, made.error().text};
  const bool all_pages = mark_ && (mark_->suspect & journal_mark::unread_page) != 0;
  announce(doubtful);
  try {
    open_writer(all_pages);
  } catch (const sqlite_error& wrong) {
    // If the file was never this node's, move nothing.
    const bool ours = mark_ || !options_.expected.empty();
    if (!is_damage(wrong) || rescued_ || (wrong.code() == SQLITE_NOTADB && !ours)) throw;
    writer_.reset();
    rescue(path_ + " is damaged");
    doubtful = true;
    open_writer(false);
  }
  doubtful = compare_with_mark() || doubtful;
  // A living node knows these tasks' state better than the journal does; the next process may not.
  if (doubtful && identity_.empty()) {
    doubt_what_is_unsafe();
    doubtful = false;
  }
  identity_ = writer_->identity();
  hash_key_ = writer_->hash_key();
  watch_place(doubtful);
}

void journal_guard::rescue(const std::string& why) {
  const auto saved = rescue_journal(path_, mark_, why);
  rescued_ = true;
  mark_ = journal_mark_file::read(path_);
  say(saved);
}

void journal_guard::open_writer(bool all_pages) {
  auto options = options_;
  if (mark_ && !mark_->journal.empty()) options.expected = mark_->journal;
  writer_ = std::make_unique<journal_writer>(options, all_pages);
  if (options.expected.empty() || writer_->identity() == options.expected) return;
  // Its tasks belong to another node, which may still run them.
  writer_->close_clean();
  static_cast<void>(writer_->checkpoint());
  writer_.reset();
  journal_damage foreign{path_ + " is the journal of another node or data directory",
                         set_journal_aside(path_)};
  foreign.counted = mark_.has_value();
  foreign.lost_tasks = mark_ ? mark_->tasks : 0;
  foreign.lost_ends = mark_ ? mark_->ends : 0;
  if (mark_) mark_ = journal_mark{.journal = mark_->journal};
  say(foreign);
  if (const auto made = create_journal_file(path_); !made)
    throw sqlite_error{SQLITE_CANTOPEN, made.error().text};
  writer_ = std::make_unique<journal_writer>(options, false);
}

/// A missing log or an older copy of the file leaves a sound journal, so only the counts show it.
bool journal_guard::compare_with_mark() {
  if (!mark_ || rescued_) return false;
  const auto now = writer_->counts();
  if (now.tasks >= mark_->tasks && now.ends >= mark_->ends && now.last_row >= mark_->last_row)
    return false;
  journal_damage older;
  older.what = path_ + " has less than was acknowledged: its -wal was taken away, or it is an older "
                       "copy";
  older.counted = true;
  older.saved_tasks = now.tasks;
  older.saved_ends = now.ends;
  older.lost_tasks = mark_->tasks - std::min(mark_->tasks, now.tasks);
  older.lost_ends = mark_->ends - std::min(mark_->ends, now.ends);
  say(older);
  return true;
}

/// The starts and ends of unsafe tasks may be lost, and these tasks must not run twice.
void journal_guard::doubt_what_is_unsafe() {
  const auto open = writer_->unfinished();
  if (!open) throw sqlite_error{SQLITE_IOERR, open.error().text};
  std::vector<record> ends;
  for (const auto& one : *open)
    if (one.accepted.effects == protocols::side_effects::unsafe)
      ends.emplace_back(unknown_end_of(
          one.accepted.id,
          "the journal was damaged or its log was taken away, and whether this task had run is not "
          "known; the task must not run twice",
          std::int64_t{std::time(nullptr)} * 1000));
  if (const auto written = writer_->commit(ends); !written)
    throw sqlite_error{SQLITE_IOERR, written.error().text};
}

}  // namespace greenroom::machine
