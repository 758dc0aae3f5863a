// One specialist of the cast, and the specialist's worker.
#pragma once

#include "protocols/base/priority.hpp"
#include "protocols/base/side_effects.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

using base::priority;

enum class backend_kind : std::uint8_t {
  process,   ///< A child process that speaks `protocol` on stdin and stdout.
  http,      ///< A server at `url`, started with `command` when there is one.
  function,  ///< A callable that the embedding service registers under the specialist's name.
};

constexpr std::string_view to_string(backend_kind kind) {
  constexpr std::string_view names[] = {"process", "http", "function"};
  const auto at = static_cast<std::size_t>(kind);
  return at < std::size(names) ? names[at] : std::string_view{};
}

enum class worker_protocol : std::uint8_t { jsonl, msgpack, mcp };

constexpr std::string_view to_string(worker_protocol protocol) {
  constexpr std::string_view names[] = {"jsonl", "msgpack", "mcp"};
  const auto at = static_cast<std::size_t>(protocol);
  return at < std::size(names) ? names[at] : std::string_view{};
}

using base::side_effects;

/// For a task with a warm worker, if the configuration does not say.
constexpr std::chrono::milliseconds task_timeout_default{30'000};
/// The accepted owner of the port of a server that the node starts.
enum class listener_owner : std::uint8_t {
  own,  ///< A process that the command started.
  any,  ///< Any program, such as a container engine.
};

constexpr std::string_view to_string(listener_owner value) {
  constexpr std::string_view names[] = {"own", "any"};
  const auto at = static_cast<std::size_t>(value);
  return at < std::size(names) ? names[at] : std::string_view{};
}

struct backend {
  backend_kind kind = backend_kind::process;
  worker_protocol protocol = worker_protocol::jsonl;
  /// Program and arguments. A bare program name is searched for beside the greenroom program, then
  /// in PATH. Required for `process`, optional for `http`, refused for `function`.
  std::vector<std::string> command;
  std::map<std::string, std::string> env;      ///< Added to the node's environment.
  std::string cwd;                             ///< Empty: the node's.
  std::string url;                             ///< `http` only: http://HOST:PORT or https://HOST
  std::map<std::string, std::string> headers;  ///< `http` only: sent with every request.
  std::string health = "/health";              ///< `http` only: the path of the readiness probe.
  std::string path = "/";                      ///< `http` only: the path to which tasks are posted.
  /// `http` with a `command` only: the required owner of the port.
  listener_owner listener = listener_owner::own;
  std::size_t concurrency = 1;  ///< Tasks in one worker at a time.
  config::side_effects side_effects = config::side_effects::by_protocol;
  std::chrono::milliseconds start_timeout{10'000};
  /// Limit on the whole task, queueing and retries included. Nothing: `task_timeout_default`, plus
  /// `start_timeout` for a task that waits for a start.
  std::optional<std::chrono::milliseconds> task_timeout;
  /// Limit on one attempt (process or http): after it the connection is closed or the process
  /// replaced, and the task is retried. 0: the task's timeout.
  std::chrono::milliseconds attempt_timeout{0};
  std::chrono::milliseconds stop_timeout{5'000};  ///< From TERM to KILL.

  friend bool operator==(const backend&, const backend&) = default;
};

struct specialist {
  std::string name;
  config::priority priority = config::priority::normal;
  double memory_mb = 5;  ///< Nominal; measured once the worker runs.
  bool pin = false;      ///< Always warm, outside the budget.
  std::vector<std::string> aliases;
  std::string fallback;  ///< The specialist that replaces this one while its circuit is open;
                         ///< empty: none.
  config::backend backend;

  friend bool operator==(const specialist&, const specialist&) = default;
};

}  // namespace greenroom::config
