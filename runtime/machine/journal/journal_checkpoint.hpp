// Copies the write-ahead log into the journal's file, mostly in a separate thread.
#pragma once

#include "runtime/machine/journal/sqlite.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace greenroom::machine {

/// SQLite would checkpoint inside the commit that reaches a thousand pages, and all callers of that
/// batch would wait. Here a second connection copies most pages while commits go on. That copy
/// never reaches the end of a log to which the writer keeps adding, so the writer copies the small
/// rest, and the next commit restarts the log. Readers that overlap without a gap still prevent the
/// restart, so at `too_many_` pages the writer waits briefly for the readers.
/// https://sqlite.org/wal.html, "Checkpointing" and "Avoiding Excessively Large WAL Files".
class journal_checkpointer {
public:
  /// `writer` must outlive this object. Turns SQLite's automatic checkpoints off.
  explicit journal_checkpointer(sqlite_connection& writer);
  ~journal_checkpointer();
  journal_checkpointer(const journal_checkpointer&) = delete;
  journal_checkpointer& operator=(const journal_checkpointer&) = delete;

  /// Called by the writer outside a transaction, after the verdicts are computed.
  void after_commit();
  /// Pages in the log after the last commit.
  [[nodiscard]] int log_pages() const { return log_pages_; }

private:
  enum class stage : std::uint8_t { idle, wanted, bulk_done };
  void run();
  void start_log_anew();

  sqlite_connection& writer_;
  std::unique_ptr<sqlite_connection> own_;
  int log_pages_ = 0;  ///< Written by SQLite's hook in the writer's thread.
  int too_many_ = 0;   ///< Pages at which the writer waits for readers.
  std::atomic<stage> stage_{stage::idle};
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace greenroom::machine
