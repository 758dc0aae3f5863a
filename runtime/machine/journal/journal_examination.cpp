#include "runtime/machine/journal/journal_examination.hpp"

#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/wal_parser.hpp"

#include <utility>

namespace greenroom::machine {

namespace {

using mark_stage = journal_mark::stage;

/// The salt grows by one each time the log restarts (about every 8 MiB), and the mark, not flushed
/// then, may lag after a power cut. Another journal's salt is unlikely to be within this range.
constexpr std::uint32_t rounds_most = 0xffff;

std::string count_of_frames(std::uint64_t has, std::uint64_t wanted) {
  return std::to_string(has) + " of " + std::to_string(wanted) + " acknowledged frames";
}

std::optional<journal_finding> examine_log(const std::string& log_path, const wal_content& log,
                                           const std::optional<journal_mark>& mark) {
  using help = journal_finding::help;
  if (mark && mark->replaced_by != 0)
    return journal_finding{log_path + " was left by a journal that was replaced",
                           help::set_log_aside};
  if (!mark || mark->at == mark_stage::opening || mark->frames == 0) {
    if (mark && mark->at == mark_stage::closed)
      return journal_finding{
          log_path + " belongs to another file: the journal was closed without one",
          help::set_log_aside};
    if (log.looks_damaged()) return journal_finding{log_path + " is damaged"};
    return std::nullopt;
  }
  if (mark->at == mark_stage::closed)
    return journal_finding{
        log_path + " belongs to another file: the journal was closed without one",
        help::set_log_aside};
  if (!log.header_sound) return journal_finding{log_path + " is damaged at its beginning"};
  const bool same = log.salt_1 == mark->salt_1 && log.salt_2 == mark->salt_2;
  // The log restarts only when all of it is in the file.
  const auto rounds = log.salt_1 - mark->salt_1;
  if (same) {
    if (log.committed >= mark->frames) return std::nullopt;
    return journal_finding{log_path + " is damaged: " + count_of_frames(log.committed, mark->frames)
                           + " can be read in order"};
  }
  if (rounds >= 1 && rounds <= rounds_most) {
    if (log.looks_damaged()) return journal_finding{log_path + " is damaged"};
    return std::nullopt;
  }
  return journal_finding{log_path + " belongs to another file", help::set_log_aside};
}

}  // namespace

std::optional<journal_finding> examine_journal(const std::string& path,
                                               const std::optional<journal_mark>& mark,
                                               const std::string& expected) {
  const auto file = number_of_file(path);
  std::optional<std::pair<std::uint32_t, std::uint32_t>> salts;
  if (mark && mark->frames > 0) salts = {mark->salt_1, mark->salt_2};
  const auto log_path = path + "-wal";
  const auto log = parse_wal(log_path, salts);
  if (!file || file->bytes == 0) {
    const bool had_some = mark && (mark->last_row > 0 || mark->frames > 0 || mark->tasks > 0);
    if (!had_some && !log && (expected.empty() || file)) return std::nullopt;
    return journal_finding{path + (file ? " is empty" : " is missing")
                           + (log ? ", and its log is there" : ", and there was one")};
  }
  // No replacement is left, or the start would have finished it.
  if (mark && mark->replaced_by != 0 && mark->replaced_by != file->inode)
    return journal_finding{path + " was being replaced when its node ended"};
  if (!log) return std::nullopt;  // The count of rows will show whether anything is missing.
  return examine_log(log_path, *log, mark);
}

bool wal_is_missing(const std::string& path, const std::optional<journal_mark>& mark) {
  if (!mark || mark->frames == 0) return false;
  if (mark->at != mark_stage::open && mark->at != mark_stage::closing) return false;
  const auto log = number_of_file(path + "-wal");
  return !log || log->bytes == 0;
}

}  // namespace greenroom::machine
