// The cost of child processes without a node: bare system calls and the same worker in C.
#pragma once

#include "apps/bench/report.hpp"

#include <cstddef>
#include <string>

namespace greenroom::bench {

/// One task at a time over `workers` warm workers: write, wait, read. `with_epoll`: waits in
/// epoll_wait, as a server does; otherwise in a blocking read.
[[nodiscard]] figures worker_rtt_floor(const std::string& program, std::size_t workers,
                                       bool with_epoll, double seconds);

/// `window` tasks outstanding by Zipf's law, one at a time per worker, one thread with epoll.
[[nodiscard]] figures worker_load_floor(const std::string& program, std::size_t workers,
                                        std::size_t window, double seconds);

/// From process start to the first answer, `at_once` started together, repeated for `seconds`.
[[nodiscard]] figures cold_start_floor(const std::string& program, std::size_t at_once,
                                       double seconds);

}  // namespace greenroom::bench
