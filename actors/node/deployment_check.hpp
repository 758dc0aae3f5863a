// Does everything that is configured answer? The check of a running node, without a rollback.
#pragma once

#include "actors/node/node.hpp"

#include <functional>
#include <string>

namespace greenroom::actors {

/// Asks every specialist and every command once, and runs every workflow, all as real tasks by the
/// way that all tasks go, a few at a time. The input is a command's `probe`, else `tools/list` for
/// an MCP server and `{"greenroom":"verify"}` for every other worker; a worker that refuses it has
/// understood and answered. Specialists whose side effects are unsafe are never asked, nor are the
/// workflows that lead through them. `done` hears the findings as JSON, once, on any thread.
void check_deployment(node& of, std::function<void(std::string)> done);

}  // namespace greenroom::actors
