// SQLite's write-ahead log, read without SQLite: what of it is whole, and what was in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine {

/// The log's header and frames (https://sqlite.org/fileformat2.html#walformat). SQLite stops at the
/// first frame whose salts or checksum are wrong and says nothing of what comes after it; here it
/// is looked at too, because each frame's checksum is computed from that of the one before it,
/// which is stored: behind a damaged frame the others can still be checked.
struct journal_log {
  enum class health : std::uint8_t { sound, unsure, damaged };
  struct frame {
    std::uint32_t page = 0;
    std::uint32_t pages_after = 0;  ///< Of one that ends a transaction: the file's size. Else 0.
    health how = health::sound;
    std::uint64_t offset = 0;  ///< Of the page's bytes.
  };
  std::uint64_t bytes = 0;  ///< The file's size.
  bool header_sound = false;
  std::uint32_t page_bytes = 0;
  std::uint32_t salt_1 = 0, salt_2 = 0;
  /// Those of this log, in order: what an earlier round has left behind it is not in here.
  std::vector<frame> frames;
  std::size_t whole = 0;  ///< So many at the beginning are sound …
  std::size_t committed =
      0;  ///< … and so many of those SQLite will take: up to a transaction's end.
  /// Of frames behind the first one that is not sound: how many, and how many of those end a
  /// transaction.
  std::size_t behind = 0, ends_behind = 0;

  /// A power cut leaves at most the last transaction in pieces, and each one is flushed before the
  /// next begins: what lies behind the pieces of two transactions or more is damage. Knows nothing
  /// of what was acknowledged.
  [[nodiscard]] bool looks_damaged() const;
};

/// Nothing when there is no such file, or it is empty. `salts`, when the header is not sound: whose
/// frames to look for.
[[nodiscard]] std::optional<journal_log> read_journal_log(
    const std::string& path, std::optional<std::pair<std::uint32_t, std::uint32_t>> salts = {});

/// The two salts in the header of the log that is open as `fd`; nothing when it has none.
[[nodiscard]] std::optional<std::pair<std::uint32_t, std::uint32_t>> salts_of_log(int fd);

/// Writes the database as it was after the last transaction of the log to `to`: the pages of `file`
/// (which may be missing), replaced by those in the log that are not damaged. Without a log it is a
/// copy. Returns what is wrong, or "".
[[nodiscard]] std::string make_journal_image(const std::string& file, const std::string& log_path,
                                             const std::optional<journal_log>& log,
                                             const std::string& to);

}  // namespace greenroom::machine
