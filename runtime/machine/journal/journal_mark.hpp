// How far the journal was acknowledged, in a small file beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// Written after each commit and before anybody hears of it, so it never promises more than was
/// committed. Only what a life begins and ends with is flushed, so after a power cut it may promise
/// less. What the journal has less than this was lost.
struct journal_mark {
  enum class stage : std::uint32_t {
    opening,  ///< A node is about to open it: the log may be a new one.
    open,     ///< A node has it: `frames` of the log with these salts are acknowledged.
    closing,  ///< All of the log is being copied into the file: the log may be there or not.
    closed,   ///< The file has everything, and there is no log.
  };
  stage at = stage::opening;
  std::string journal;       ///< Which journal: 32 hexadecimal digits. Empty: none was made yet.
  std::uint32_t salt_1 = 0;  ///< Of the log, as its header has them.
  std::uint32_t salt_2 = 0;
  std::uint64_t frames = 0;    ///< So many frames of the log.
  std::uint64_t tasks = 0;     ///< So many tasks are kept …
  std::uint64_t ends = 0;      ///< … and so many ends.
  std::uint64_t last_row = 0;  ///< The newest task's row.
  /// When the journal was replaced: the new file's number (inode), so that a log that was left by
  /// the old one is not taken for the new one's.
  std::uint64_t replaced_by = 0;
  /// A page could not be read: look at all of them at the start.
  static constexpr std::uint64_t unread_page = 1;
  /// Starts of tasks may be lost: an unsafe one that has not ended may have run.
  static constexpr std::uint64_t lost_starts = 2;
  std::uint64_t suspect = 0;  ///< These two, as bits.
};

/// The file `PATH-mark`. Kept open, because it is written at each commit.
class journal_mark_file {
public:
  journal_mark_file() = default;
  ~journal_mark_file();
  journal_mark_file(journal_mark_file&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
  journal_mark_file& operator=(journal_mark_file&& other) noexcept;

  /// Nothing when there is none, or none that can be read.
  [[nodiscard]] static std::optional<journal_mark> read(const std::string& journal_path);
  [[nodiscard]] static std::string name_of(const std::string& journal_path);

  /// Makes the file when it is missing. False when it cannot be: then nothing is written, and less
  /// is known at the next start.
  bool open(const std::string& journal_path);  // NOLINT(modernize-use-nodiscard)
  /// False when it could not be written (a full disk): the file then says less than it could.
  bool write(const journal_mark& now);  // NOLINT(modernize-use-nodiscard)
  void flush();

private:
  int fd_ = -1;
};

}  // namespace greenroom::machine
