// What child processes cost without a node: bare system calls and the same worker in C.
#pragma once

#include "apps/bench/report.hpp"

#include <cstddef>
#include <string>

namespace greenroom::bench {

/// One at a time over so many warm workers: write, wait, read. `with_epoll`: the wait is an
/// epoll_wait, as in a server; otherwise a read that blocks.
[[nodiscard]] figures worker_rtt_floor(const std::string& program, std::size_t workers,
                                       bool with_epoll, double seconds);

/// `window` outstanding by Zipf's law, one at a time in each worker, one thread with epoll.
[[nodiscard]] figures worker_load_floor(const std::string& program, std::size_t workers,
                                        std::size_t window, double seconds);

/// From nothing to the first answer, `at_once` started together, until `seconds` are over.
[[nodiscard]] figures cold_start_floor(const std::string& program, std::size_t at_once,
                                       double seconds);

}  // namespace greenroom::bench
