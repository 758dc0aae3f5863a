// Checks that the files of an open journal still are at their paths.
#pragma once

#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/journal_mark.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// SQLite goes on writing to deleted or renamed files, and deleted data is gone when the process
/// ends. So the paths are checked after each commit and before the acknowledgement.
class journal_place {
public:
  enum class trouble : std::uint8_t {
    none,
    log_moved,    ///< The log or its index was removed or replaced; the open descriptor still has
                  ///< the data.
    file_moved,   ///< The file was removed or replaced.
    cut,          ///< The file or the log is shorter than before.
    log_changed,  ///< The log no longer holds what was committed.
    directory_moved,  ///< The directory was renamed; the files are still in it.
    directory_gone,   ///< The directory was removed.
    lock_lost,        ///< The lock file was removed: another node could take the lock.
  };

  /// Construct after the journal's writer has opened the files. `begin` is the first mark to write.
  journal_place(std::string path, const journal_lock& lock, journal_mark begin);
  ~journal_place();
  journal_place(const journal_place&) = delete;
  journal_place& operator=(const journal_place&) = delete;

  [[nodiscard]] trouble look();

  struct counts {
    std::uint64_t tasks = 0, ends = 0, last_row = 0;
  };
  /// After a commit: the log now has this many frames.
  void committed(std::uint64_t frames, const counts& now);
  /// Before rows are deleted: from now on the journal may hold fewer rows.
  void about_to_drop(const counts& then);
  /// Another program has checkpointed and emptied the log, which is allowed.
  void forget_log();
  void closing();
  void closed();
  void suspect();

private:
  void remember_last_frame();
  [[nodiscard]] bool keeps_last_frame() const;

  std::string path_, log_path_, index_path_, directory_path_;
  const journal_lock& lock_;
  journal_mark mark_;
  journal_mark_file mark_file_;
  /// The last committed frame, as in the log. A log that was cut and then written again has the
  /// right length, but a hole in place of this frame.
  std::string last_frame_;
  bool log_changed_ = false;
  int log_ = -1, directory_ = -1;
  file_number file_number_, log_number_, index_number_, directory_number_;
  bool indexed_ = false;
};

/// The trouble's meaning and remedy, for the operator.
[[nodiscard]] std::string explain(journal_place::trouble what, const std::string& path);

}  // namespace greenroom::machine
