// A worker that is a child process and speaks jsonl, MessagePack or MCP on stdin and stdout.
#pragma once

#include "runtime/machine/worker/worker.hpp"

namespace greenroom::machine {

[[nodiscard]] std::shared_ptr<worker> make_process_worker(const config::specialist& who,
                                                          const worker_surroundings& where,
                                                          std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
