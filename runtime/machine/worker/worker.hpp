// One live worker behind one interface: a child process, an HTTP server or a C++ callable.
#pragma once

#include "config/specialist.hpp"
#include "protocols/task.hpp"
#include "protocols/tool_effects.hpp"
#include "runtime/machine/worker/callable.hpp"
#include "runtime/machine/worker/callable_calls.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::machine {

class engine;
class process_keeper;

/// What a worker tells. Called on a thread of the engine (or of whoever calls `run`), one call at a
/// time per worker, never from within `start`, `stop` or the destructor; must not block.
class worker_events {
public:
  virtual ~worker_events() = default;
  /// The protocol's handshake succeeded. At most once.
  virtual void on_ready() noexcept = 0;
  /// One attempt at `job` is over. Exactly once for each `run`, unless `on_gone` comes first:
  /// then the attempts still open are lost with the worker.
  virtual void on_result(protocols::task_ptr job, protocols::attempt_result result) noexcept = 0;
  /// Before the first piece, or before the result when nothing is streamed: what it is.
  virtual void on_form(const protocols::task_ptr&, protocols::stream_form) noexcept {}
  virtual void on_chunk(const protocols::task_ptr& job, std::string_view piece) noexcept = 0;
  /// False: whoever gets the pieces has enough for now.
  [[nodiscard]] virtual bool takes_more(const protocols::task_ptr&) noexcept { return true; }
  virtual void on_pong() noexcept {}
  /// Something on its output was no message, or no answer to anything, and was skipped: `what`
  /// quotes its beginning.
  virtual void on_stray(std::string_view what) noexcept { static_cast<void>(what); }
  /// It has listed its tools, for the first time or because they have changed (`protocol: mcp`).
  virtual void on_tools(std::shared_ptr<const protocols::tool_effects>) noexcept {}
  /// The worker is really gone (a process: reaped). Exactly once for each `start`, and last.
  struct departure {
    std::string
        why;  ///< For people: "exited with status 3", "killed by signal 9", "not ready within 10s".
    bool asked = false;  ///< It was told to stop.
    bool before_ready = false;
  };
  virtual void on_gone(departure) noexcept = 0;
};

class worker {
public:
  virtual ~worker() = default;  ///< Kills what is left, without a word to the events.
  /// Begins to start it. Never blocks. `start_timeout` binds: past it the worker is stopped.
  virtual void start() = 0;
  /// @pre ready. The worker takes its `concurrency` at a time; the caller does not give more.
  virtual void run(protocols::task_ptr job) = 0;
  /// Nobody waits for `job` any more. The worker is told when its protocol has a word for that, and
  /// is asked whether it is alive. `on_result` follows when it lets go: when it answers either;
  /// until then it may be busy. The same again does nothing.
  virtual void cancel(const protocols::task_ptr& job) = 0;
  /// The same for a task that somebody else is about to get: nothing is told of it once this has
  /// returned true. False: it is not open here, or this worker can only be stopped.
  [[nodiscard]] virtual bool forget(const protocols::task_ptr&) { return false; }
  /// A liveness probe, where the protocol has one (others answer by themselves).
  virtual void ping() = 0;
  /// Asks it to go: stdin closed and TERM to its process group, KILL after `grace`.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  /// 0 when it is not a local process.
  [[nodiscard]] virtual int pid() const = 0;
};

/// What every worker of a node shares.
struct worker_surroundings {
  engine* io = nullptr;
  std::string bin_directory;  ///< A bare program name is looked up here first, then in PATH.
  std::string node_mark;   ///< In every worker's environment, so that a sweep can find leftovers.
  std::string department;  ///< GREENROOM_DEPARTMENT
  std::string pool;        ///< GREENROOM_POOL
  std::size_t output_bytes_max = std::size_t{16} << 20;
  /// Its stderr, and what was skipped on its stdout, by line.
  std::function<void(std::string_view specialist, std::string_view line)> log;
  /// How its processes are held together; null: by their group only.
  std::shared_ptr<process_keeper> keeper;
  std::shared_ptr<call_gate> calls;  ///< Counts calls of C++ callables; may be null.
};

/// An in-process callable. Input and result are JSON text. Throwing fails the task.
struct callable {
  callable_function run;
  /// True: short and never blocks, so it runs where the task arrives. False: on a thread pool.
  bool inline_run = false;
};

/// @pre `who` has passed the checks of the loader; `function` is set for backends of that kind.
std::shared_ptr<worker> make_worker(const config::specialist& who, const worker_surroundings& where,
                                    const callable* function,
                                    std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
