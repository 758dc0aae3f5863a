// The settings of an HTTP door.
#pragma once

#include "config/node.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace greenroom::doors {

/// The result of a reload.
struct reload_outcome {
  std::string source;                 ///< The file or profile that was read.
  std::vector<std::string> problems;  ///< Empty: the configuration was applied; else nothing was.
  std::vector<std::string> warnings;
  std::string change;       ///< What was applied, in words.
  std::size_t workers = 0;  ///< Workers with an old definition, until they are idle and replaced.
};

struct http_door_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free port.
  config::limits limits;
  /// Reads the configuration again and calls back, on any thread, once. Empty: `POST /v1/reload` is
  /// not possible.
  std::function<void(std::function<void(const reload_outcome&)> done)> reload;
  /// Begins to end the program, after a drain or at once. Empty: `POST /v1/stop` is not possible.
  std::function<void(bool at_once)> stop;
};

}  // namespace greenroom::doors
