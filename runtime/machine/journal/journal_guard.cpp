#include "runtime/machine/journal/journal_guard.hpp"

#include "runtime/machine/journal/journal_log.hpp"
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
using file_trouble = journal_place::trouble;

/// The salt grows by one each time the log restarts (about every 8 MiB), and the mark, not flushed
/// then, may lag after a power cut. Another journal's salt is unlikely to be within this range.
constexpr std::uint32_t rounds_most = 0xffff;

bool is_damage(const sqlite_error& wrong) {
  return wrong.code() == SQLITE_CORRUPT || wrong.code() == SQLITE_NOTADB;
}

std::string count_of_frames(std::uint64_t has, std::uint64_t wanted) {
  return std::to_string(has) + " of " + std::to_string(wanted) + " acknowledged frames";
}

}  // namespace

journal_guard::journal_guard(const journal_options& options)
    : options_{options}, path_{options.path}, others_{journal_openings::of(path_)} {
  const auto alone = others_->clear();
  start();
}

journal_guard::~journal_guard() {
  if (!writer_) return;
  // The files may have changed since the last commit: save the open data first.
  if (writer_->look() != file_trouble::none && !mend().empty()) return;
  if (writer_) writer_->close_clean();
}

/// Checks the files before SQLite opens them: SQLite uses the readable part of a log and silently
/// drops the rest.
std::optional<journal_guard::finding> journal_guard::examine() const {
  using help = finding::help;
  const auto file = number_of_file(path_);
  std::optional<std::pair<std::uint32_t, std::uint32_t>> salts;
  if (mark_ && mark_->frames > 0) salts = {mark_->salt_1, mark_->salt_2};
  const auto log_path = path_ + "-wal";
  const auto log = read_journal_log(log_path, salts);
  if (!file || file->bytes == 0) {
    const bool had_some = mark_ && (mark_->last_row > 0 || mark_->frames > 0 || mark_->tasks > 0);
    if (!had_some && !log && (options_.expected.empty() || file)) return std::nullopt;
    return finding{path_ + (file ? " is empty" : " is missing")
                   + (log ? ", and its log is there" : ", and there was one")};
  }
  // No replacement is left, or the start would have finished it.
  if (mark_ && mark_->replaced_by != 0 && mark_->replaced_by != file->inode)
    return finding{path_ + " was being replaced when its node ended"};
  if (!log) return std::nullopt;  // The count of rows will show whether anything is missing.
  if (mark_ && mark_->replaced_by != 0)
    return finding{log_path + " was left by a journal that was replaced", help::set_log_aside};
  if (!mark_ || mark_->at == mark_stage::opening || mark_->frames == 0) {
    if (mark_ && mark_->at == mark_stage::closed)
      return finding{log_path + " belongs to another file: the journal was closed without one",
                     help::set_log_aside};
    if (log->looks_damaged()) return finding{log_path + " is damaged"};
    return std::nullopt;
  }
  if (mark_->at == mark_stage::closed)
    return finding{log_path + " belongs to another file: the journal was closed without one",
                   help::set_log_aside};
  if (!log->header_sound) return finding{log_path + " is damaged at its beginning"};
  const bool same = log->salt_1 == mark_->salt_1 && log->salt_2 == mark_->salt_2;
  // The log restarts only when all of it is in the file.
  const auto rounds = log->salt_1 - mark_->salt_1;
  if (same) {
    if (log->committed >= mark_->frames) return std::nullopt;
    return finding{log_path + " is damaged: " + count_of_frames(log->committed, mark_->frames)
                   + " can be read in order"};
  }
  if (rounds >= 1 && rounds <= rounds_most) {
    if (log->looks_damaged()) return finding{log_path + " is damaged"};
    return std::nullopt;
  }
  return finding{log_path + " belongs to another file", help::set_log_aside};
}

void journal_guard::start() {
  if (auto wrong = create_journal_directory(path_); !wrong.empty())
    throw sqlite_error{SQLITE_CANTOPEN, wrong};
  if (auto wrong = lock_again(); !wrong.empty()) throw sqlite_error{SQLITE_BUSY, wrong};
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

/// True when a log that was not copied into the file is missing. Its content may still be in the
/// file, if another program has closed the journal.
bool journal_guard::log_is_gone() const {
  if (!mark_ || mark_->frames == 0) return false;
  if (mark_->at != mark_stage::open && mark_->at != mark_stage::closing) return false;
  const auto log = number_of_file(path_ + "-wal");
  return !log || log->bytes == 0;
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
  bool doubtful = log_is_gone() || (mark_ && (mark_->suspect & journal_mark::lost_starts) != 0);
  if (const auto found = examine()) {
    doubtful = true;
    if (found->how == finding::help::rescue) {
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
  if (auto wrong = create_journal_file(path_); !wrong.empty())
    throw sqlite_error{SQLITE_CANTOPEN, wrong};
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
  if (auto wrong = create_journal_file(path_); !wrong.empty())
    throw sqlite_error{SQLITE_CANTOPEN, wrong};
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
  auto open = writer_->unfinished();
  if (auto* wrong = std::get_if<journal_error>(&open))
    throw sqlite_error{SQLITE_IOERR, wrong->what};
  const auto* tasks = std::get_if<0>(&open);
  std::vector<record> ends;
  for (const auto& one : *tasks)
    if (one.accepted.effects == protocols::side_effects::unsafe)
      ends.emplace_back(unknown_end_of(
          one.accepted.id,
          "the journal was damaged or its log was taken away, and whether this task had run is not "
          "known; it is not safe to do twice",
          std::int64_t{std::time(nullptr)} * 1000));
  auto written = writer_->commit(ends);
  if (auto* wrong = std::get_if<journal_error>(&written))
    throw sqlite_error{SQLITE_IOERR, wrong->what};
}

void journal_guard::say(const journal_damage& what) const {
  if (options_.on_damage) options_.on_damage(what);
}

journal_error journal_guard::no_writer() {
  return {why_none_.empty() ? path_ + ": the journal is not open" : why_none_};
}

/// Checks and repairs earlier trouble before anything is written; returns an error message, or "".
std::string journal_guard::ready() {
  if (writer_ && writer_->trouble() == file_trouble::none && !writer_->corrupt()
      && refused_.empty())
    return {};
  if (!writer_ || writer_->look() != file_trouble::none || writer_->corrupt())
    if (auto wrong = mend(); !wrong.empty()) return wrong;
  if (refused_.empty()) return {};
  auto written = writer_->commit(refused_);
  if (auto* wrong = std::get_if<journal_error>(&written)) return wrong->what;
  refused_.clear();
  return {};
}

journal_result<std::vector<verdict>> journal_guard::commit(std::span<const record> batch) {
  // A write into a cut log would restore the log's length and hide the damage.
  if (writer_) writer_->look();
  if (const auto wrong = ready(); !wrong.empty()) return journal_error{wrong};
  auto result = writer_->commit(batch);
  if (writer_->trouble() == file_trouble::none && !writer_->corrupt()) return result;
  const bool cut = writer_->trouble() == file_trouble::cut
                   || writer_->trouble() == file_trouble::log_changed || writer_->corrupt();
  const auto* before = writer_.get();
  auto wrong = mend();
  // The same writer: no rescue was needed.
  if (wrong.empty() && (!cut || writer_.get() == before)) return result;
  // The journal may hold only a part of this batch, so the batch is not acknowledged.
  if (result.index() == 0) refuse(batch);
  if (wrong.empty()) wrong = path_ + " was damaged, and was saved as far as it could be; try again";
  return journal_error{wrong};
}

/// The callers get an error for these tasks: if the journal holds the tasks nevertheless, the tasks
/// must not run after the next start.
void journal_guard::refuse(std::span<const record> batch) {
  for (const auto& one : batch) {
    const auto* accepted = std::get_if<accept_record>(&one);
    if (accepted == nullptr) continue;
    auto end = unknown_end_of(accepted->id, "the task could not be made durable",
                              accepted->accepted_unix_ms);
    end.state = protocols::task_state::failed;
    end.why = protocols::failure::journal_unavailable;
    refused_.emplace_back(std::move(end));
  }
}

journal_result<std::monostate> journal_guard::look_after() {
  if (writer_) writer_->look();
  if (const auto wrong = ready(); !wrong.empty()) return journal_error{wrong};
  return std::monostate{};
}

journal_result<std::vector<stored_task>> journal_guard::unfinished() {
  if (!writer_) return no_writer();
  auto all = writer_->unfinished();
  auto* tasks = std::get_if<0>(&all);
  if (tasks == nullptr) return all;
  // A task with a damaged record is not run.
  std::vector<record> ends;
  for (const auto& one : *tasks)
    if (one.damaged && one.ended) {
      ends.emplace_back(*one.ended);
      say({"the journal's record of task " + protocols::to_string(one.accepted.id)
               + " is damaged, so it is not run",
           {}});
    }
  if (ends.empty()) return all;
  std::erase_if(*tasks, [](const stored_task& one) { return one.damaged; });
  if (auto wrong = writer_->commit(ends); wrong.index() == 1)
    return journal_error{std::get<journal_error>(wrong)};
  return all;
}

journal_result<std::size_t> journal_guard::prune(std::int64_t before_unix_ms, std::size_t most) {
  if (!writer_) return no_writer();
  return writer_->prune(before_unix_ms, most);
}

journal_result<std::uint64_t> journal_guard::used_bytes() {
  if (!writer_) return no_writer();
  return writer_->used_bytes();
}

journal_result<std::string> journal_guard::state(std::string_view name) {
  if (!writer_) return no_writer();
  return writer_->state(name);
}

std::string journal_guard::lock_again() {
  if (lock_.in_place(path_)) return {};
  return lock_.take(path_);
}

/// Returns an error message when the repair failed, or "".
std::string journal_guard::mend() {
  const auto alone = others_->clear();
  try {
    if (!writer_) {
      start();
      return {};
    }
    const auto what = writer_->trouble();
    auto wrong = mend_now(what);
    if (wrong.empty()) {
      told_moved_ = false;
    } else if (!std::exchange(told_moved_, true)) {
      const auto counts = writer_ ? writer_->counts() : journal_place::counts{};
      say({wrong, {}, true, counts.tasks, 0, counts.ends, 0});
    }
    return wrong;
  } catch (const std::exception& wrong) {
    why_none_ = wrong.what();
    return why_none_;
  }
}

std::string journal_guard::mend_now(file_trouble what) {
  const auto reopen = [&](journal_damage said) {
    writer_.reset();
    mark_ = journal_mark_file::read(path_);
    // Starts lost in a rescue belong to tasks that are running now.
    const bool doubtful = mark_ && (mark_->suspect & journal_mark::lost_starts) != 0;
    announce(doubtful);
    open_writer(false);
    watch_place(doubtful);
    say(said);
  };
  const auto all_saved = [&](file_trouble why, std::string aside) {
    const auto now = writer_->counts();
    return journal_damage{explain(why, path_) + "; everything was written anew",
                          std::move(aside),
                          true,
                          now.tasks,
                          0,
                          now.ends,
                          0};
  };
  if (writer_->corrupt() && what != file_trouble::log_changed) what = file_trouble::cut;
  switch (what) {
    case file_trouble::none: return {};
    case file_trouble::lock_lost: return lock_again();
    case file_trouble::directory_moved: return explain(what, path_);
    case file_trouble::log_moved: {
      if (auto wrong = lock_again(); !wrong.empty()) return wrong;
      const auto found = number_of_file(path_ + "-wal");
      const bool stranger = found && found->bytes > 0;
      if (!writer_->checkpoint()) return explain(what, path_) + "; it could not be copied yet";
      auto said = all_saved(what, {});
      writer_.reset();
      // The checkpoint emptied this journal's log, if that is the file at the path.
      const auto left = number_of_file(path_ + "-wal");
      if (stranger && left && left->bytes > 0) said.set_aside = set_log_aside(path_);
      ::unlink((path_ + "-shm").c_str());
      reopen(std::move(said));
      return {};
    }
    case file_trouble::directory_gone:
      if (auto wrong = create_journal_directory(path_); !wrong.empty()) return wrong;
      [[fallthrough]];
    case file_trouble::file_moved: {
      if (auto wrong = lock_again(); !wrong.empty()) return wrong;
      const auto fresh = replacement_of(path_);
      ::unlink(fresh.c_str());
      copy_open_database(writer_->connection(), fresh, -1, {});
      journal_mark mark;
      mark.journal = writer_->identity();
      const auto now = writer_->counts();
      mark.tasks = now.tasks;
      mark.ends = now.ends;
      mark.last_row = now.last_row;
      const auto aside = number_of_file(path_) ? free_name_for(path_) : "";
      auto said = all_saved(what, aside);
      replace_journal(path_, fresh, mark, aside, false);
      reopen(std::move(said));
      return {};
    }
    // A checkpoint of a changed log would damage the file too.
    case file_trouble::log_changed:
    case file_trouble::cut: {
      if (what == file_trouble::cut && !writer_->corrupt() && writer_->log_was_emptied()) return {};
      const auto why = writer_->corrupt() ? path_ + " is damaged" : explain(what, path_);
      const auto known = writer_->numbers();
      writer_.reset();
      // On failure, the next attempt finds the same damage from the mark.
      reopen(rescue_journal(path_, journal_mark_file::read(path_), why, known));
      return {};
    }
  }
  return {};
}

journal_result<std::unique_ptr<journal>> journal::open(const journal_options& options) {
  return as_result<std::unique_ptr<journal>>([&]() -> std::unique_ptr<journal> {
    if (options.path == ":memory:") return std::make_unique<journal_writer>(options);
    return std::make_unique<journal_guard>(options);
  });
}

journal_result<std::monostate> copy_journal(const journal_options& options, const std::string& to,
                                            const std::function<bool()>& go_on) {
  return as_result<std::monostate>([&] {
    // The files are not replaced while this lock is held. The steps are short, so that commits go
    // on. A copy is aborted when a repair of the files waits for it.
    const auto others = journal_openings::of(options.path);
    const auto held = others->use();
    sqlite_connection from{options.path, sqlite_connection::mode::read_only};
    from.keep_log_when_closed();
    // One snapshot for all steps: otherwise a commit in between would restart the copy.
    from.run("BEGIN");
    static_cast<void>(from.number("SELECT count(*) FROM mark"));
    constexpr int pages = 256;
    copy_open_database(from, to, pages, [&] { return !others->wanted() && (!go_on || go_on()); });
    from.run("COMMIT");
    if (auto wrong = flush_file(to); !wrong.empty()) throw sqlite_error{SQLITE_IOERR, wrong};
    return std::monostate{};
  });
}

}  // namespace greenroom::machine
