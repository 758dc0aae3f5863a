#include "runtime/machine/journal/journal_checkpoint.hpp"

namespace greenroom::machine {

namespace {

// Pages of 4 KiB: 8 MiB of log. A larger log makes checkpoints rarer and cheaper (a page that was
// written often is copied once), but the recovery after a crash longer: about 10 ms at this size.
constexpr int worth_copying = 2048;

// 64 MiB of log: reached by long overlapping readers, or by a writer that outruns the disk.
constexpr int worth_waiting = 16384;
constexpr int wait_ms = 250;

int note_pages(void* pages, sqlite3*, const char*, int now) {
  *static_cast<int*>(pages) = now;
  return SQLITE_OK;
}

}  // namespace

journal_checkpointer::journal_checkpointer(sqlite_connection& writer)
    : writer_{writer}, too_many_{worth_waiting} {
  own_ = std::make_unique<sqlite_connection>(writer.path(), sqlite_connection::mode::read_write);
  own_->keep_log_when_closed();
  own_->run("PRAGMA synchronous=NORMAL");  // Checkpoints flush log and file at this level already.
  own_->run("PRAGMA wal_autocheckpoint=0");
  writer_.run("PRAGMA wal_autocheckpoint=0");
  sqlite3_wal_hook(writer_.get(), note_pages, &log_pages_);
  thread_ = std::thread{[this] { run(); }};
}

journal_checkpointer::~journal_checkpointer() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  sqlite3_wal_hook(writer_.get(), nullptr, nullptr);
}

void journal_checkpointer::start_log_anew() {
  sqlite3_busy_timeout(writer_.get(), wait_ms);
  const int code = sqlite3_wal_checkpoint_v2(writer_.get(), nullptr, SQLITE_CHECKPOINT_RESTART,
                                             nullptr, nullptr);
  sqlite3_busy_timeout(writer_.get(), busy_timeout_ms);
  // A reader that outlasts the wait must not delay every later commit.
  too_many_ = code == SQLITE_OK ? worth_waiting : log_pages_ + worth_waiting;
  log_pages_ = 0;
}

void journal_checkpointer::after_commit() {
  const auto now = stage_.load(std::memory_order_acquire);
  if (log_pages_ >= too_many_) {
    // SQLite refuses a second concurrent checkpoint without a wait, so wait for the bulk copy here:
    // the writer has outrun the disk.
    std::unique_lock lock{mutex_};
    done_.wait(lock, [this] { return stage_.load() != stage::wanted; });
    lock.unlock();
    start_log_anew();
    stage_.store(stage::idle, std::memory_order_release);
    return;
  }
  if (now == stage::wanted) return;
  if (now == stage::bulk_done) {
    // A failure here (a full disk) recurs in a commit, where it is reported. A reader may keep the
    // log from restarting: then the next round restarts it.
    sqlite3_wal_checkpoint_v2(writer_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    stage_.store(stage::idle, std::memory_order_release);
    log_pages_ = 0;
    return;
  }
  if (log_pages_ >= worth_copying) {
    {
      const std::lock_guard lock{mutex_};
      stage_.store(stage::wanted, std::memory_order_release);
    }
    wake_.notify_one();
  }
}

void journal_checkpointer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || stage_.load() == stage::wanted; });
    if (stop_) return;
    lock.unlock();
    sqlite3_wal_checkpoint_v2(own_->get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    lock.lock();
    stage_.store(stage::bulk_done, std::memory_order_release);
    done_.notify_one();
  }
}

}  // namespace greenroom::machine
