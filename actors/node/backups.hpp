// Makes backups of a running node, and hands them out in pieces.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::actors {

/// What backups are made from.
struct backup_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  event_log& events;
  forecast_board& forecast;
  std::uint64_t seed;
};

/// A backup is made in the data directory first, then fetched piece by piece, so that it may go to
/// another machine and no more than a piece is in memory. One at a time; one that nobody asks for
/// is removed after ten minutes. All of it happens on a thread of its own.
class backups {
public:
  struct surroundings {
    std::string data_dir;
    machine::journal_options journal;
    std::string node;     ///< Its identity.
    std::string version;  ///< Of the program.
    /// A backup that nobody has got a piece of for so long is removed.
    std::chrono::nanoseconds patience = std::chrono::minutes{10};
  };
  /// `status` 200: `body` is what was asked for. Else it is a sentence, and `retry_after` when it
  /// may be asked again, if that is known.
  using answer =
      std::function<void(int status, std::string body, std::chrono::milliseconds retry_after)>;

  backups(const backup_parts& parts, surroundings of);
  /// Ends what is under way within a second or so, whatever the journal's size; everything waiting
  /// is answered before.
  ~backups();
  backups(const backups&) = delete;
  backups& operator=(const backups&) = delete;

  /// Makes one. The body is JSON: `id`, `piece_bytes` and the `manifest`.
  void begin(answer told);
  /// The bytes of the file with that place in the manifest, from `offset` on, at most a piece.
  void piece(std::string id, std::size_t file, std::uint64_t offset, answer told);
  /// Removes it.
  void end(std::string id, answer told);

private:
  struct copied_file {
    std::string name;
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  void ask(std::function<void()> work, const answer& told);
  void run();
  void make(const answer& told);
  std::string copy_all(const std::string& folder);
  [[nodiscard]] std::string manifest() const;
  void remove();
  /// Removes the backup that nobody fetches any more.
  void expire();
  /// Until `expire` has something to do.
  [[nodiscard]] std::chrono::nanoseconds left() const;

  backup_parts parts_;
  surroundings of_;
  std::mutex mutex_;
  std::condition_variable waker_;
  struct job {
    std::function<void()> work;
    answer told;
  };
  std::deque<job> jobs_;
  std::stop_source stopping_;  ///< Also heard by what is being copied and checked.

  // Of the thread.
  std::string id_, folder_;
  std::vector<copied_file> files_;
  std::uint64_t tasks_ = 0, ends_ = 0;
  std::int64_t made_unix_ms_ = 0;
  std::int64_t used_at_ns_ = 0;  ///< When it was made, or a piece of it was fetched last.
  std::thread thread_;
};

}  // namespace greenroom::actors
