// Where the files of an open journal are, and whether they still are there.
#pragma once

#include "runtime/machine/journal/journal_file.hpp"
#include "runtime/machine/journal/journal_mark.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// SQLite goes on writing to files that have lost their names, and what it wrote is gone with the
/// process. So after each commit, and before anybody hears of it, the names are looked at.
class journal_place {
public:
  enum class trouble : std::uint8_t {
    none,
    log_moved,    ///< The log or its index was removed or replaced; what was in it is still open.
    file_moved,   ///< The same of the file.
    cut,          ///< The file or the log is shorter than it was.
    log_changed,  ///< The log does not hold any more what was committed to it.
    directory_moved,  ///< The directory has another name, with the files in it.
    directory_gone,   ///< The directory was removed.
    lock_lost,        ///< The lock's file was removed: another node could take it.
  };

  /// To be made when the journal's writer has opened its files. `begin` is what is known of it.
  journal_place(std::string path, const journal_lock& lock, journal_mark begin);
  ~journal_place();
  journal_place(const journal_place&) = delete;
  journal_place& operator=(const journal_place&) = delete;

  [[nodiscard]] trouble look();

  struct counts {
    std::uint64_t tasks = 0, ends = 0, last_row = 0;
  };
  /// A commit left so many frames in the log.
  void committed(std::uint64_t frames, const counts& now);
  /// Rows are about to be deleted: from now on there may be fewer.
  void about_to_drop(const counts& then);
  /// Another program has copied the log into the file and emptied it, as it may.
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
  /// The newest frame that was committed, as it is in the log. A log that was cut and has been
  /// written to since is as long as it should be, and has a hole where this one was.
  std::string last_frame_;
  bool log_changed_ = false;
  int log_ = -1, directory_ = -1;
  file_number file_number_, log_number_, index_number_, directory_number_;
  bool indexed_ = false;
};

/// What it means and what helps, for the operator.
[[nodiscard]] std::string explain(journal_place::trouble what, const std::string& path);

}  // namespace greenroom::machine
