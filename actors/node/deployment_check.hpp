// Checks that all specialists, commands and workflows of a running node answer.
#pragma once

#include "actors/node/node.hpp"

#include <functional>
#include <string>

namespace greenroom::actors {

/// Sends one task to every specialist and every command, and runs every workflow, a few at a time.
/// The input is a command's `probe`, else `tools/list` for an MCP server and
/// `{"greenroom":"verify"}` for every other worker; a worker that refuses the input has answered.
/// Specialists whose side effects are unsafe, and workflows with such a specialist, are not run.
/// `done` gets the findings as JSON, once, on any thread.
void check_deployment(node& of, std::function<void(std::string)> done);

}  // namespace greenroom::actors
