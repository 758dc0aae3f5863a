// Makes backups of a running node, which callers fetch in pieces.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "protocols/base/expected.hpp"
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

/// Why there is no backup, or no piece of one.
struct backup_problem {
  enum class kind : std::uint8_t { no_such_backup, under_way, failed };
  kind why = kind::failed;
  std::string text;
  std::chrono::milliseconds retry_after{0};  ///< When to ask again; 0: unknown.
};

/// A backup is made in the data directory first, then fetched in pieces, so that it can be sent to
/// another machine and only one piece is in memory. There is one backup at a time; a backup whose
/// pieces nobody fetches is removed after ten minutes. The work is done on a thread of this object.
class backups {
public:
  struct settings {
    std::string data_dir;
    machine::journal_options journal;
    std::string node;     ///< The node's identity.
    std::string version;  ///< Of the program.
    /// A backup is removed when no piece was fetched for so long.
    std::chrono::nanoseconds unused_max = std::chrono::minutes{10};
  };
  /// Gets the requested bytes, or why there are none. Called once, on the backups' thread or on the
  /// caller's.
  using answer = std::function<void(base::expected<std::string, backup_problem>)>;

  backups(const backup_parts& parts, settings from);
  /// Ends a running copy within about a second, whatever the journal's size; waiting requests are
  /// answered first.
  ~backups();
  backups(const backups&) = delete;
  backups& operator=(const backups&) = delete;

  /// Makes a backup. The answer is JSON: `id`, `piece_bytes` and the `manifest`.
  void create(answer done);
  /// At most one piece of the file with this position in the manifest, from `offset` on.
  void read_chunk(std::string id, std::size_t file, std::uint64_t offset, answer done);
  /// Removes a backup.
  void remove(std::string id, answer done);

private:
  struct copied_file {
    std::string name;
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  void enqueue(std::function<void()> work, const answer& done);
  void run();
  void create_now(const answer& done);
  base::expected<void> copy_all(const std::string& folder);
  base::expected<void> copy_journal(const std::string& folder);
  [[nodiscard]] base::expected<void> check_space() const;
  [[nodiscard]] std::string manifest() const;
  void remove_files();
  /// Removes the backup when it has been unused for `unused_max`.
  void expire();
  /// The time until the backup expires.
  [[nodiscard]] std::chrono::nanoseconds time_until_expiry() const;

  backup_parts parts_;
  settings settings_;
  std::mutex mutex_;
  std::condition_variable waker_;
  struct job {
    std::function<void()> work;
    answer done;
  };
  std::deque<job> jobs_;
  std::stop_source stopping_;  ///< Also ends a copy and a check that run.

  // Used by the thread only.
  std::string id_, folder_;
  std::vector<copied_file> files_;
  std::uint64_t tasks_ = 0, ends_ = 0;
  std::int64_t made_unix_ms_ = 0;
  std::int64_t used_at_ns_ = 0;  ///< When the backup was made, or a piece was fetched last.
  std::thread thread_;
};

}  // namespace greenroom::actors
