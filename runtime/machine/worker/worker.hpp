// The common interface of workers: a child process, an HTTP server or a C++ callable.
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

/// A worker's callbacks. Called on a thread of the engine (or on the thread that calls `run`), one
/// call at a time per worker, never from within `start`, `stop` or the destructor; must not block.
class worker_events {
public:
  virtual ~worker_events() = default;
  /// The protocol's handshake has succeeded. Called at most once.
  virtual void on_ready() noexcept = 0;
  /// One attempt at `job` is over. Called exactly once for each `run`, unless `on_gone` comes
  /// first: then all open attempts are lost.
  virtual void on_result(protocols::task_ptr job, protocols::attempt_result result) noexcept = 0;
  /// The form of the output. Called before the first piece, or before the result without streaming.
  virtual void on_form(const protocols::task_ptr&, protocols::stream_form) noexcept {}
  virtual void on_chunk(const protocols::task_ptr& job, std::string_view piece) noexcept = 0;
  /// False: the reader of the pieces has enough for now.
  [[nodiscard]] virtual bool takes_more(const protocols::task_ptr&) noexcept { return true; }
  virtual void on_pong() noexcept {}
  /// A part of the output was no message, or matched no request, and was skipped: `what` quotes the
  /// beginning.
  virtual void on_stray(std::string_view what) noexcept { static_cast<void>(what); }
  /// The worker has listed its tools, initially or after a change (`protocol: mcp`).
  virtual void on_tools(std::shared_ptr<const protocols::tool_effects>) noexcept {}
  /// The worker has ended (a process: is reaped). Called exactly once for each `start`, as the last
  /// call.
  struct departure {
    std::string
        why;  ///< For people: "exited with status 3", "killed by signal 9", "not ready within 10s".
    bool asked = false;  ///< The worker was asked to stop.
    bool before_ready = false;
  };
  virtual void on_gone(departure) noexcept = 0;
};

class worker {
public:
  virtual ~worker() = default;  ///< Kills the remaining processes without a callback.
  /// Starts the worker. Never blocks. After `start_timeout` the worker is stopped.
  virtual void start() = 0;
  /// @pre ready, and fewer than `concurrency` open tasks: the caller keeps this limit.
  virtual void run(protocols::task_ptr job) = 0;
  /// Cancels `job`, whose result nobody needs. If the protocol has a cancel message, the worker
  /// gets it, and a liveness probe. `on_result` follows when the worker answers either; until then
  /// the worker may be busy. A repeated call does nothing.
  virtual void cancel(const protocols::task_ptr& job) = 0;
  /// Like `cancel`, for a task that will run elsewhere: after true, no callback for the task
  /// follows. False: the task is not open here, or this worker can only be stopped.
  [[nodiscard]] virtual bool forget(const protocols::task_ptr&) { return false; }
  /// A liveness probe, if the protocol has one (otherwise the worker class itself calls `on_pong`).
  virtual void ping() = 0;
  /// Stops the worker: stdin closed and TERM to the process group, KILL after `grace`.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  /// 0 if the worker is not a local process.
  [[nodiscard]] virtual int pid() const = 0;
};

/// Settings shared by all workers of a node.
struct worker_surroundings {
  engine* io = nullptr;
  std::string bin_directory;  ///< Searched for a bare program name before PATH.
  std::string node_mark;      ///< In every worker's environment, so that a sweep can find leftover
                              ///< processes.
  std::string department;     ///< GREENROOM_DEPARTMENT
  std::string pool;           ///< GREENROOM_POOL
  std::size_t output_bytes_max = std::size_t{16} << 20;
  /// Takes lines of stderr, and skipped lines of stdout.
  std::function<void(std::string_view specialist, std::string_view line)> log;
  /// Tracks the worker's processes; null: the process group only.
  std::shared_ptr<process_keeper> keeper;
  std::shared_ptr<call_gate> calls;  ///< Counts calls of C++ callables; may be null.
};

/// An in-process callable. Input and result are JSON text. An exception fails the task.
struct callable {
  callable_function run;
  /// True: short and never blocks, so it runs on the calling thread. False: on a thread pool.
  bool inline_run = false;
};

/// @pre `who` has passed the loader's checks; `function` is set for backends of that kind.
std::shared_ptr<worker> make_worker(const config::specialist& who, const worker_surroundings& where,
                                    const callable* function,
                                    std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
