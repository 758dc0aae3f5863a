// One specialist of the cast and the worker behind it.
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

/// Of a task whose worker is warm, where the configuration does not say.
constexpr std::chrono::milliseconds task_timeout_default{30'000};
/// Whose socket a server that the node starts may be reached through.
enum class listener_owner : std::uint8_t {
  own,  ///< One of the processes that its command started.
  any,  ///< Another program's, such as that of a container engine.
};

constexpr std::string_view to_string(listener_owner value) {
  constexpr std::string_view names[] = {"own", "any"};
  const auto at = static_cast<std::size_t>(value);
  return at < std::size(names) ? names[at] : std::string_view{};
}

struct backend {
  backend_kind kind = backend_kind::process;
  worker_protocol protocol = worker_protocol::jsonl;
  /// Program and arguments. A bare program name is looked up beside the greenroom program first,
  /// then in PATH. Required for `process`, optional for `http`, refused for `function`.
  std::vector<std::string> command;
  std::map<std::string, std::string> env;      ///< Added to the node's own environment.
  std::string cwd;                             ///< Empty: the node's.
  std::string url;                             ///< `http` only: http://HOST:PORT or https://HOST
  std::map<std::string, std::string> headers;  ///< `http` only: sent with every request.
  std::string health = "/health";  ///< `http` only: the path that says when it is ready.
  std::string path = "/";          ///< `http` only: where tasks are posted.
  /// `http` with a `command` only: who has to hold the port before the server is believed.
  listener_owner listener = listener_owner::own;
  std::size_t concurrency = 1;  ///< Tasks in one worker at a time.
  config::side_effects side_effects = config::side_effects::by_protocol;
  std::chrono::milliseconds start_timeout{10'000};
  /// The whole task, waiting and retries included. Nothing: `task_timeout_default`, and
  /// `start_timeout` more for a task that waits for a start.
  std::optional<std::chrono::milliseconds> task_timeout;
  /// One attempt of process or http; past it a server is hung up on and a process is replaced, and
  /// the task is tried again. 0: as long as the task has.
  std::chrono::milliseconds attempt_timeout{0};
  std::chrono::milliseconds stop_timeout{5'000};  ///< From TERM to KILL.

  friend bool operator==(const backend&, const backend&) = default;
};

struct specialist {
  std::string name;
  config::priority priority = config::priority::normal;
  double memory_mb = 5;  ///< Nominal; measured once it runs.
  bool pin = false;      ///< Always warm, outside the budget.
  std::vector<std::string> aliases;
  std::string fallback;  ///< The specialist that is asked when this one is out; empty: none.
  config::backend backend;

  friend bool operator==(const specialist&, const specialist&) = default;
};

}  // namespace greenroom::config
