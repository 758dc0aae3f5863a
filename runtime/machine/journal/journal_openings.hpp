// Who in this process has a journal open beside its writer, so that all can be sent away when its
// files are replaced.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

namespace greenroom::machine {

/// SQLite shares the log's index between all connections of a process: one that stays open while
/// the files are replaced would read the old log by the new index.
class journal_openings {
public:
  class guest {
  public:
    virtual ~guest() = default;
    /// Closes its connection, and opens another one when it is needed again.
    virtual void leave() noexcept = 0;
  };

  /// That of the journal at `path`, one for the process.
  [[nodiscard]] static std::shared_ptr<journal_openings> of(const std::string& path);

  void enter(guest& one);
  void exit(guest& one);
  /// Held by a guest while it uses its connection.
  [[nodiscard]] std::shared_lock<std::shared_mutex> use() { return std::shared_lock{gate_}; }
  /// Sends all guests away; nobody comes in while the lock is held.
  [[nodiscard]] std::unique_lock<std::shared_mutex> clear();
  /// Somebody waits in `clear`: who uses the journal for long is to stop.
  [[nodiscard]] bool wanted() const { return waiting_.load() > 0; }

private:
  std::atomic<int> waiting_{0};
  std::shared_mutex gate_;
  std::mutex list_mutex_;
  std::set<guest*> guests_;
};

}  // namespace greenroom::machine
