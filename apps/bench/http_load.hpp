// The load on the HTTP door: one thread, epoll, requests written in advance. It does not use the
// HTTP client of runtime/machine/http, because the benchmark is meant to measure the door and not a
// client that takes as long.
#pragma once

#include "apps/bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace greenroom::bench {

enum class http_load { echo, task, async_task };

struct http_order {
  std::uint16_t port = 0;
  std::size_t connections = 64;
  double seconds = 2;
  http_load what = http_load::task;
  std::size_t specialists = 83;
  int status = 200;  ///< The expected status; any other counts as wrong.
};

struct http_report {
  figures found;
  std::uint64_t wrong = 0;  ///< Answers with an unexpected status.
  std::string trouble;
};

/// Each connection asks, waits for the answer, and asks again. Runs in a separate process.
[[nodiscard]] http_report http_load_from_outside(const settings& how, const http_order& order);

}  // namespace greenroom::bench
