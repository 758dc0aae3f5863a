// Makes sure that no process of a worker outlives the worker, and no process of a node the node.
//
// If the node may create control groups (cgroup2), each worker has its own group, which is killed
// as a whole. Otherwise a worker's processes are identified by a mark in their environment, and, if
// the node is a process of its own, adopted when their parent ends. A tiny process, the guardian,
// does the same when the node itself is killed; a killed guardian is restarted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace greenroom::machine {

class process_keeper {
public:
  struct options {
    std::string mark;           ///< The node's mark: see `mark_variable`.
    std::string bin_directory;  ///< Searched for the guardian's program before PATH.
    /// The file for the number of processes that the guardian ended; empty: none.
    std::string report;
    /// Without control groups: adopt and reap processes whose parent has ended; the guardian ends
    /// all descendants of this process. Only for a process whose children all are workers of this
    /// node. If false, only marked processes and their descendants count as a worker's.
    bool adopt = false;
    bool control_groups = true;
    bool guardian = true;
    /// Receives messages for the operator about the guardian, on a keeper's thread; may be empty.
    std::function<void(const std::string&)> say;
  };
  /// Never fails: unavailable means are skipped, and `lacks` names them.
  static std::shared_ptr<process_keeper> start(options how);
  ~process_keeper();  ///< Calls `close`.
  /// Ends the remaining processes of all workers, then the guardian. Blocks briefly.
  void close();
  process_keeper(const process_keeper&) = delete;
  process_keeper& operator=(const process_keeper&) = delete;

  /// Identifies one worker's processes.
  struct place {
    std::uint64_t serial = 0;  ///< Also in the worker's environment: see `worker_variable`.
    std::string group;         ///< The control group's directory; empty: no group.
  };
  /// Ends the processes, and removes the control groups, of an earlier node with the same data
  /// directory. Call while that directory is locked.
  void end_earlier();

  // Methods for any thread.
  [[nodiscard]] const std::string& mark() const;
  [[nodiscard]] place add();
  void started(const place& where, int pid);
  /// The worker could not be put into its control group: removes the group.
  void loosen(place& where);
  /// A worker is ready and has started its processes. Without control groups the guardian scans
  /// now.
  void ready() const;
  /// Kills all processes in the worker's control group.
  void kill(const place& where) const;
  /// The worker has ended, or was never started: ends its remaining processes.
  void ended(const place& where, int pid);

  /// Ended processes that had outlived their worker or an earlier node.
  [[nodiscard]] std::uint64_t orphans_ended() const;
  void count_orphans(std::uint64_t more);
  /// For people: "no control groups (…)", "no guardian (…)"; empty: nothing is missing.
  [[nodiscard]] std::string lacks() const;

private:
  process_keeper();
  struct inside;
  std::unique_ptr<inside> inside_;
};

/// Reads an earlier guardian's `report` and removes the file; 0: no report.
[[nodiscard]] std::uint64_t read_guardian_report(const std::string& report);

}  // namespace greenroom::machine
