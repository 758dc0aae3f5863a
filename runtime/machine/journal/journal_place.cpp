#include "runtime/machine/journal/journal_place.hpp"

#include "runtime/machine/journal/wal_parser.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace greenroom::machine {

namespace {

constexpr std::uint64_t bytes_before_frames = 32;
constexpr std::uint64_t bytes_of_frame = 24 + 4096;

}  // namespace

journal_place::journal_place(std::string path, const journal_lock& lock, journal_mark begin)
    : path_{std::move(path)},
      log_path_{path_ + "-wal"},
      index_path_{path_ + "-shm"},
      directory_path_{parent_directory(path_)},
      lock_{lock},
      mark_{std::move(begin)},
      file_number_{number_of_file(path_).value_or(file_number{})},
      log_number_{number_of_file(log_path_).value_or(file_number{})},
      directory_number_{number_of_file(directory_path_).value_or(file_number{})} {
  if (const auto index = number_of_file(index_path_)) {
    index_number_ = *index;
    indexed_ = true;
  }
  log_ = ::open(log_path_.c_str(), O_RDONLY | O_CLOEXEC);
  directory_ = ::open(directory_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  mark_.at = journal_mark::stage::open;
  mark_.replaced_by = 0;
  if (const auto salts = salts_of_log(log_); salts && mark_.frames > 0) {
    mark_.salt_1 = salts->first;
    mark_.salt_2 = salts->second;
  } else {
    mark_.frames = 0;
  }
  remember_last_frame();
  mark_file_.open(path_);
  mark_file_.write(mark_);
  // Without this flush, after a power cut the previous mark's salts would not match this log.
  mark_file_.flush();
}

journal_place::~journal_place() {
  if (log_ >= 0) ::close(log_);
  if (directory_ >= 0) ::close(directory_);
}

journal_place::trouble journal_place::look() {
  const auto file = number_of_file(path_);
  if (!file || !(*file == file_number_)) {
    const auto directory = number_of_file(directory_path_);
    if (directory && *directory == directory_number_) return trouble::file_moved;
    struct stat mine {};
    const bool gone = directory_ < 0 || ::fstat(directory_, &mine) != 0 || mine.st_nlink == 0;
    return gone ? trouble::directory_gone : trouble::directory_moved;
  }
  const auto log = number_of_file(log_path_);
  if (!log || !(*log == log_number_)) return trouble::log_moved;
  if (indexed_) {
    const auto index = number_of_file(index_path_);
    if (!index || !(*index == index_number_)) return trouble::log_moved;
  }
  if (file->bytes < file_number_.bytes) return trouble::cut;
  file_number_.bytes = file->bytes;
  if (mark_.frames > 0 && log->bytes < bytes_before_frames + mark_.frames * bytes_of_frame)
    return trouble::cut;
  if (log_changed_) return trouble::log_changed;
  if (!lock_.in_place(path_)) return trouble::lock_lost;
  return trouble::none;
}

void journal_place::committed(std::uint64_t frames, const counts& now) {
  // A commit without changes writes no frame. The salts change when the log restarts, and SQLite
  // has no callback for that.
  if (const auto salts = salts_of_log(log_); salts && frames > 0) {
    // A committed frame is not written again until the log restarts.
    const bool same = salts->first == mark_.salt_1 && salts->second == mark_.salt_2;
    if (same && frames >= mark_.frames && !keeps_last_frame()) log_changed_ = true;
    mark_.salt_1 = salts->first;
    mark_.salt_2 = salts->second;
    mark_.frames = frames;
    remember_last_frame();
  }
  mark_.tasks = now.tasks;
  mark_.ends = now.ends;
  mark_.last_row = now.last_row;
  mark_file_.write(mark_);
}

namespace {

std::string frame_at(int log, std::uint64_t number) {
  std::string bytes(bytes_of_frame, '\0');
  const auto at = bytes_before_frames + (number - 1) * bytes_of_frame;
  if (::pread(log, bytes.data(), bytes.size(), static_cast<off_t>(at))
      != static_cast<ssize_t>(bytes.size()))
    bytes.clear();
  return bytes;
}

}  // namespace

void journal_place::remember_last_frame() {
  last_frame_ = mark_.frames > 0 ? frame_at(log_, mark_.frames) : std::string{};
}

bool journal_place::keeps_last_frame() const {
  return last_frame_.empty() || frame_at(log_, mark_.frames) == last_frame_;
}

void journal_place::about_to_drop(const counts& then) {
  mark_.tasks = then.tasks;
  mark_.ends = then.ends;
  mark_file_.write(mark_);
}

void journal_place::forget_log() {
  mark_.frames = 0;
  last_frame_.clear();
  mark_file_.write(mark_);
  // The next log has other salts than the mark on disk.
  mark_file_.flush();
}

void journal_place::closing() {
  mark_.at = journal_mark::stage::closing;
  mark_file_.write(mark_);
}

void journal_place::closed() {
  mark_.at = journal_mark::stage::closed;
  mark_.frames = 0;
  mark_file_.write(mark_);
  mark_file_.flush();
}

void journal_place::suspect() {
  mark_.suspect |= journal_mark::unread_page;
  mark_file_.write(mark_);
}

std::string explain(journal_place::trouble what, const std::string& path) {
  switch (what) {
    case journal_place::trouble::none: break;
    case journal_place::trouble::log_moved:
      return path + "-wal or -shm was removed or replaced while the node had it open";
    case journal_place::trouble::file_moved:
      return path + " was removed or replaced while the node had it open";
    case journal_place::trouble::cut:
      return path + " or its -wal was cut short while the node had it open";
    case journal_place::trouble::log_changed:
      return path + "-wal was cut short or changed while the node had it open";
    case journal_place::trouble::directory_moved:
      return parent_directory(path)
             + " was renamed or replaced while the node had its journal open there: put it back, or "
               "stop the node and start it with the --data directory where it is now";
    case journal_place::trouble::directory_gone:
      return parent_directory(path) + " was removed while the node had its journal open there";
    case journal_place::trouble::lock_lost:
      return path + "-lock was removed while the node had the journal open";
  }
  return {};
}

}  // namespace greenroom::machine
