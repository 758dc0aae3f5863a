// What a caller asks of a node, and the answer when the node does not start it. Installed as
// <greenroom/task_request.hpp>.
#pragma once

#include "protocols/task_types.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace greenroom {

/// What a caller asks for. Exactly one of `specialist`, `department` and `command` is set; a
/// request with none or several of them is refused as `malformed`.
struct task_request {
  std::string specialist{};    ///< A name or an alias.
  std::string department{};    ///< The best placed specialist of it: warm and least loaded first.
  std::string command{};       ///< A word that users type, see `commands` in the configuration.
  std::string input = "null";  ///< JSON text; the caller has checked that it is valid.
  protocols::priority urgency = protocols::priority::normal;
  std::optional<std::chrono::milliseconds> timeout{};  ///< Else the specialist's task_timeout.
  bool durable = false;           ///< Acknowledged only once it is in the journal.
  bool streaming = false;         ///< The listener receives each chunk of the output at once.
  std::string idempotency_key{};  ///< Makes the task durable.
  std::string case_id{};          ///< The session it belongs to.
  /// The node's own check that a worker answers: it is no traffic, so nothing is predicted
  /// or judged by it.
  bool probe = false;
};

/// Why nothing was started.
struct refusal {
  protocols::failure why = protocols::failure::none;
  std::string detail{};                      ///< A sentence that helps.
  std::vector<std::string> nearest{};        ///< For unknown names.
  std::chrono::milliseconds retry_after{0};  ///< 0: retrying does not help.
};

}  // namespace greenroom
