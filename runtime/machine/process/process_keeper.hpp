// Sees to it that nothing a worker started outlives the worker, and nothing a node started the
// node.
//
// Where the node may make control groups (cgroup2), each worker lives in one of its own, which is
// killed as a whole. Elsewhere a worker's processes are known by a mark in their environment, and,
// where the node is a process of its own, by becoming its children when their parent ends. A tiny
// process, the guardian, does the same when the node itself is killed; when it is killed itself, it
// is started again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace greenroom::machine {

class process_keeper {
public:
  struct options {
    std::string mark;           ///< The node's own: see `mark_variable`.
    std::string bin_directory;  ///< The guardian's program is looked for here first, then in PATH.
    /// Where the guardian writes how many processes it had to end; empty: nowhere.
    std::string report;
    /// Without control groups: become the parent of processes whose parent has ended, and reap
    /// them; the guardian ends whatever descends from this process. Only for a process all of whose
    /// children are workers of this node. Elsewhere only what has a mark, and what descends from
    /// it, is a worker's.
    bool adopt = false;
    bool control_groups = true;
    bool guardian = true;
    /// Hears for people what happens to the guardian, on a thread of the keeper's; may be empty.
    std::function<void(const std::string&)> say;
  };
  /// Never fails: what cannot be had is done without, and `lacks` says what.
  static std::shared_ptr<process_keeper> start(options how);
  ~process_keeper();  ///< Closes it.
  /// Ends what is left of all workers, then the guardian. Takes a moment.
  void close();
  process_keeper(const process_keeper&) = delete;
  process_keeper& operator=(const process_keeper&) = delete;

  /// Where one worker lives.
  struct place {
    std::uint64_t serial = 0;  ///< Also in its environment: see `worker_variable`.
    std::string group;         ///< The directory of its control group; empty: it has none.
  };
  /// Ends and removes what an earlier node with this mark's data directory left in its control
  /// groups. Call it while that directory is locked.
  void end_earlier();

  // -- any thread --
  [[nodiscard]] const std::string& mark() const;
  [[nodiscard]] place add();
  void started(const place& where, int pid);
  /// It could not be put into its control group, which goes.
  void loosen(place& where);
  /// One has started what it starts. Without control groups the guardian looks at it now.
  void ready() const;
  /// Kills all in its control group.
  void kill(const place& where) const;
  /// The worker has ended, or was never started: what it left behind is ended too.
  void ended(const place& where, int pid);

  /// Those that outlived their worker or an earlier node and were ended.
  [[nodiscard]] std::uint64_t orphans_ended() const;
  void count_orphans(std::uint64_t more);
  /// For people: "no control groups (…)", "no guardian (…)"; empty: it has all.
  [[nodiscard]] std::string lacks() const;

private:
  process_keeper();
  struct inside;
  std::unique_ptr<inside> inside_;
};

/// What an earlier guardian wrote to `report`, which is then removed; 0: nothing.
[[nodiscard]] std::uint64_t read_guardian_report(const std::string& report);

}  // namespace greenroom::machine
