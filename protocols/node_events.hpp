// What a node tells of itself as it happens.
#pragma once

#include <cstdint>
#include <string>

namespace greenroom {

/// Something that happened: `kind` is stable (specialist.warm, task.failed, config.reloaded …).
struct event {
  std::uint64_t number = 0;
  std::int64_t unix_ms = 0;
  std::string kind;
  std::string json;
};

/// A line that a worker wrote to standard error.
struct worker_line {
  std::uint64_t number = 0;  ///< Grows with each line of the node.
  std::int64_t unix_ms = 0;
  std::string text;
};

}  // namespace greenroom
