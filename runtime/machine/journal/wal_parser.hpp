// Parses SQLite's write-ahead log without SQLite, to find damaged frames and save the others.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine {

/// The log's header and frames (https://sqlite.org/fileformat2.html#walformat). SQLite silently
/// stops at the first frame with a wrong salt or checksum. This parser goes on: a frame's checksum
/// is computed from the previous frame's stored checksum, so frames behind a damaged frame can
/// still be checked.
struct wal_content {
  enum class health : std::uint8_t { sound, unsure, damaged };
  struct frame {
    std::uint32_t page = 0;
    std::uint32_t pages_after = 0;  ///< In the last frame of a transaction: the file's size in
                                    ///< pages. Else 0.
    health how = health::sound;
    std::uint64_t offset = 0;  ///< Offset of the page's bytes.
  };
  std::uint64_t bytes = 0;  ///< The file's size.
  bool header_sound = false;
  std::uint32_t page_bytes = 0;
  std::uint32_t salt_1 = 0, salt_2 = 0;
  /// This log's frames, in order, without the remains of an earlier round.
  std::vector<frame> frames;
  std::size_t whole = 0;  ///< Number of sound frames at the beginning.
  std::size_t committed =
      0;  ///< Number of frames that SQLite will use: up to the last whole transaction.
  /// Frames behind the first frame that is not sound, and how many of these end a transaction.
  std::size_t behind = 0, ends_behind = 0;

  /// A power cut breaks at most the last transaction, because each transaction is flushed before
  /// the next begins. So a break with two or more transactions behind it is damage. Does not
  /// consider what was acknowledged.
  [[nodiscard]] bool looks_damaged() const;
};

/// Returns nothing when the file is missing or empty. `salts`: the salts to search for when the
/// header is not sound.
[[nodiscard]] std::optional<wal_content> parse_wal(
    const std::string& path, std::optional<std::pair<std::uint32_t, std::uint32_t>> salts = {});

/// The two salts in the header of the log open as `fd`; nothing when there is no header.
[[nodiscard]] std::optional<std::pair<std::uint32_t, std::uint32_t>> salts_of_log(int fd);

/// Writes the database as of the log's last transaction to `to`: the pages of `file` (which may be
/// missing), overlaid with the log's undamaged pages. Without a log, copies the file.
base::expected<void> make_journal_image(const std::string& file, const std::string& log_path,
                                        const std::optional<wal_content>& log,
                                        const std::string& to);

}  // namespace greenroom::machine
