#include "runtime/machine/journal/journal_guard.hpp"

#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_replacement.hpp"
#include "runtime/machine/journal/journal_rescue.hpp"
#include "runtime/machine/journal/journal_rows.hpp"

#include <unistd.h>

#include <utility>

namespace greenroom::machine {

namespace {

using file_trouble = journal_place::trouble;

}  // namespace

journal_guard::journal_guard(const journal_options& options)
    : options_{options}, path_{options.path}, others_{journal_openings::of(path_)} {
  const auto alone = others_->clear();
  start();
}

journal_guard::~journal_guard() {
  if (!writer_) return;
  // The files may have changed since the last commit: save the open data first.
  if (writer_->look() != file_trouble::none && !mend()) return;
  if (writer_) writer_->close_clean();
}

void journal_guard::say(const journal_damage& what) const {
  if (options_.on_damage) options_.on_damage(what);
}

base::problem journal_guard::no_writer() {
  return journal_problem(why_none_.empty() ? path_ + ": the journal is not open" : why_none_);
}

/// Checks and repairs earlier trouble before anything is written.
base::expected<void> journal_guard::ready() {
  if (writer_ && writer_->trouble() == file_trouble::none && !writer_->corrupt()
      && refused_.empty())
    return {};
  if (!writer_ || writer_->look() != file_trouble::none || writer_->corrupt())
    if (auto mended = mend(); !mended) return mended;
  if (refused_.empty()) return {};
  if (const auto written = writer_->commit(refused_); !written) return written.error();
  refused_.clear();
  return {};
}

base::expected<std::vector<verdict>> journal_guard::commit(std::span<const record> batch) {
  // A write into a cut log would restore the log's length and hide the damage.
  if (writer_) writer_->look();
  if (const auto prepared = ready(); !prepared) return prepared.error();
  auto result = writer_->commit(batch);
  if (writer_->trouble() == file_trouble::none && !writer_->corrupt()) return result;
  const bool cut = writer_->trouble() == file_trouble::cut
                   || writer_->trouble() == file_trouble::log_changed || writer_->corrupt();
  const auto* before = writer_.get();
  const auto mended = mend();
  // The same writer: no rescue was needed.
  if (mended && (!cut || writer_.get() == before)) return result;
  // The journal may hold only a part of this batch, so the batch is not acknowledged.
  if (result) refuse(batch);
  return journal_problem(
      mended ? path_ + " was damaged, and was saved as far as it could be; try again"
             : mended.error().text);
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

base::expected<void> journal_guard::look_after() {
  if (writer_) writer_->look();
  return ready();
}

base::expected<std::vector<stored_task>> journal_guard::unfinished() {
  if (!writer_) return no_writer();
  auto all = writer_->unfinished();
  if (!all) return all;
  // A task with a damaged record is not run.
  std::vector<record> ends;
  for (const auto& one : *all)
    if (one.damaged && one.ended) {
      ends.emplace_back(*one.ended);
      say({"the journal's record of task " + protocols::to_string(one.accepted.id)
               + " is damaged, so it is not run",
           {}});
    }
  if (ends.empty()) return all;
  std::erase_if(*all, [](const stored_task& one) { return one.damaged; });
  if (const auto written = writer_->commit(ends); !written) return written.error();
  return all;
}

base::expected<std::size_t> journal_guard::prune(std::int64_t before_unix_ms, std::size_t most) {
  if (!writer_) return no_writer();
  return writer_->prune(before_unix_ms, most);
}

base::expected<std::uint64_t> journal_guard::used_bytes() {
  if (!writer_) return no_writer();
  return writer_->used_bytes();
}

base::expected<std::string> journal_guard::state(std::string_view name) {
  if (!writer_) return no_writer();
  return writer_->state(name);
}

base::expected<void> journal_guard::lock_again() {
  if (lock_.in_place(path_)) return {};
  return lock_.take(path_);
}

base::expected<void> journal_guard::mend() {
  const auto alone = others_->clear();
  try {
    if (!writer_) {
      start();
      return {};
    }
    auto mended = mend_now(writer_->trouble());
    if (mended) {
      moved_reported_ = false;
    } else if (!std::exchange(moved_reported_, true)) {
      const auto counts = writer_ ? writer_->counts() : journal_place::counts{};
      say({mended.error().text, {}, true, counts.tasks, 0, counts.ends, 0});
    }
    return mended;
  } catch (const std::exception& wrong) {
    why_none_ = wrong.what();
    return base::problem{"damaged", why_none_};
  }
}

base::expected<void> journal_guard::mend_now(file_trouble what) {
  if (writer_->corrupt() && what != file_trouble::log_changed) what = file_trouble::cut;
  switch (what) {
    case file_trouble::none: return {};
    case file_trouble::lock_lost: return lock_again();
    case file_trouble::directory_moved: return base::problem{"moved", explain(what, path_)};
    case file_trouble::log_moved: return mend_moved_log();
    case file_trouble::directory_gone:
      if (auto made = create_journal_directory(path_); !made) return made;
      return mend_moved_file(what);
    case file_trouble::file_moved: return mend_moved_file(what);
    // A checkpoint of a changed log would damage the file too.
    case file_trouble::log_changed: rescue_open(what); return {};
    case file_trouble::cut:
      if (writer_->corrupt() || !writer_->log_was_emptied()) rescue_open(what);
      return {};
  }
  return {};
}

base::expected<void> journal_guard::mend_moved_log() {
  constexpr auto what = file_trouble::log_moved;
  if (auto locked = lock_again(); !locked) return locked;
  const auto found = number_of_file(path_ + "-wal");
  const bool stranger = found && found->bytes > 0;
  if (!writer_->checkpoint())
    return base::problem{"moved", explain(what, path_) + "; it could not be copied yet"};
  auto saved = all_saved(what, {});
  writer_.reset();
  // The checkpoint emptied this journal's log, if that is the file at the path.
  const auto left = number_of_file(path_ + "-wal");
  if (stranger && left && left->bytes > 0) saved.set_aside = set_log_aside(path_);
  ::unlink((path_ + "-shm").c_str());
  reopen(saved);
  return {};
}

base::expected<void> journal_guard::mend_moved_file(file_trouble what) {
  if (auto locked = lock_again(); !locked) return locked;
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
  const auto saved = all_saved(what, aside);
  replace_journal(path_, fresh, mark, aside, false);
  reopen(saved);
  return {};
}

/// On failure, the next attempt finds the same damage from the mark.
void journal_guard::rescue_open(file_trouble what) {
  const auto why = writer_->corrupt() ? path_ + " is damaged" : explain(what, path_);
  const auto known = writer_->numbers();
  writer_.reset();
  reopen(rescue_journal(path_, journal_mark_file::read(path_), why, known));
}

void journal_guard::reopen(const journal_damage& mended) {
  writer_.reset();
  mark_ = journal_mark_file::read(path_);
  // Starts lost in a rescue belong to tasks that are running now.
  const bool doubtful = mark_ && (mark_->suspect & journal_mark::lost_starts) != 0;
  announce(doubtful);
  open_writer(false);
  watch_place(doubtful);
  say(mended);
}

journal_damage journal_guard::all_saved(file_trouble why, std::string aside) const {
  const auto now = writer_->counts();
  return {explain(why, path_) + "; everything was written anew",
          std::move(aside),
          true,
          now.tasks,
          0,
          now.ends,
          0};
}

base::expected<std::unique_ptr<journal>> journal::open(const journal_options& options) {
  return as_result<std::unique_ptr<journal>>([&]() -> std::unique_ptr<journal> {
    if (options.path == ":memory:") return std::make_unique<journal_writer>(options);
    return std::make_unique<journal_guard>(options);
  });
}

}  // namespace greenroom::machine
