// Registers this process's connections to a journal beside the writer's, so that all can be closed
// when the journal's files are replaced.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

namespace greenroom::machine {

/// SQLite shares the log's index between all connections of a process: a connection that stays open
/// during a replacement would read the old log with the new index.
class journal_openings {
public:
  class guest {
  public:
    virtual ~guest() = default;
    /// Closes the connection; the object reopens it at the next use.
    virtual void leave() noexcept = 0;
  };

  /// Returns the registry of the journal at `path`, one for the process.
  [[nodiscard]] static std::shared_ptr<journal_openings> of(const std::string& path);

  void enter(guest& one);
  void exit(guest& one);
  /// Held by a registered object while it uses its connection.
  [[nodiscard]] std::shared_lock<std::shared_mutex> use() { return std::shared_lock{gate_}; }
  /// Closes all connections; no connection opens while the lock is held.
  [[nodiscard]] std::unique_lock<std::shared_mutex> clear();
  /// True while a thread waits in `clear`: a long use of a connection must stop.
  [[nodiscard]] bool wanted() const { return waiting_.load() > 0; }

private:
  std::atomic<int> waiting_{0};
  std::shared_mutex gate_;
  std::mutex list_mutex_;
  std::set<guest*> guests_;
};

}  // namespace greenroom::machine
