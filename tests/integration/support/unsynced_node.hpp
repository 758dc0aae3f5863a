// Nodes that do not wait for the disk, and tasks for them.
#pragma once

#include "tests/integration/support/live_node.hpp"

#include <string>
#include <utility>

namespace greenroom::tests {

inline const std::string unsynced = "journal: { fsync: false }\nretry: { base: 10ms, max: 50ms }\n";
inline std::string unsynced_pool(const std::string& keys) {
  return unsynced + "pool: { " + keys + " }\n";
}

/// The body of an asynchronous task.
inline json async(const std::string& specialist, json input, const std::string& key = {}) {
  json body{{"specialist", specialist}, {"mode", "async"}, {"input", std::move(input)}};
  if (!key.empty()) body["idempotency_key"] = key;
  return body;
}

}  // namespace greenroom::tests
