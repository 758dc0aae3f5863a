// Moves the write-ahead log into the journal's file, mostly from a thread of its own.
#pragma once

#include "runtime/machine/journal/sqlite.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace greenroom::machine {

/// SQLite would checkpoint inside every thousandth-page commit, and everybody whose task is in that
/// batch waits for it. Here a second connection copies the bulk while commits go on. A log to which
/// the writer keeps adding is never copied to its end, though, and would grow for ever: so the
/// writer, told that the bulk is done, copies the small rest itself, and the next commit starts the
/// log anew. Readers that overlap without a gap would still keep the log from starting anew, so at
/// a size that is too much the writer waits for them, briefly. https://sqlite.org/wal.html,
/// "Checkpointing" and "Avoiding Excessively Large WAL Files".
class journal_checkpointer {
public:
  /// `writer` outlives this. Turns SQLite's own checkpoints off.
  explicit journal_checkpointer(sqlite_connection& writer);
  ~journal_checkpointer();
  journal_checkpointer(const journal_checkpointer&) = delete;
  journal_checkpointer& operator=(const journal_checkpointer&) = delete;

  /// To be called by the writer when no transaction is open, after answers have been computed.
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
