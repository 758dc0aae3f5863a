// The mark: a small file beside the journal that records what was acknowledged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// Written after each commit and before the acknowledgement, so the mark never claims more than was
/// committed. Only the marks at open and close are flushed, so after a power cut the mark may claim
/// less. If the journal holds less than the mark claims, data was lost.
struct journal_mark {
  enum class stage : std::uint32_t {
    opening,  ///< A node is about to open the journal: the log may be new.
    open,     ///< A node has the journal open: `frames` of the log with these salts are
              ///< acknowledged.
    closing,  ///< The log is being copied into the file: the log may be missing.
    closed,   ///< The file is complete, and there is no log.
  };
  stage at = stage::opening;
  std::string journal;       ///< The journal's identity: 32 hexadecimal digits. Empty: not created
                             ///< yet.
  std::uint32_t salt_1 = 0;  ///< As in the log's header.
  std::uint32_t salt_2 = 0;
  std::uint64_t frames = 0;    ///< Frames in the log.
  std::uint64_t tasks = 0;     ///< Tasks in the journal.
  std::uint64_t ends = 0;      ///< Ends in the journal.
  std::uint64_t last_row = 0;  ///< The newest task's row.
  /// The new file's inode after a replacement, so that a log left by the old file is not used with
  /// the new file.
  std::uint64_t replaced_by = 0;
  /// A page could not be read: check all pages at the start.
  static constexpr std::uint64_t unread_page = 1;
  /// Starts of tasks may be lost: an unsafe task without an end may have run.
  static constexpr std::uint64_t lost_starts = 2;
  std::uint64_t suspect = 0;  ///< A set of the two bits above.
};

/// The file `PATH-mark`. Kept open, because each commit writes it.
class journal_mark_file {
public:
  journal_mark_file() = default;
  ~journal_mark_file();
  journal_mark_file(journal_mark_file&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
  journal_mark_file& operator=(journal_mark_file&& other) noexcept;

  /// Returns nothing when the file is missing or unreadable.
  [[nodiscard]] static std::optional<journal_mark> read(const std::string& journal_path);
  [[nodiscard]] static std::string name_of(const std::string& journal_path);

  /// Creates the file if missing. Returns false on failure: then no mark is written, and the next
  /// start can check less.
  bool open(const std::string& journal_path);  // NOLINT(modernize-use-nodiscard)
  /// Returns false on failure (a full disk): the mark then claims less than was committed.
  bool write(const journal_mark& now);  // NOLINT(modernize-use-nodiscard)
  void flush();

private:
  int fd_ = -1;
};

}  // namespace greenroom::machine
