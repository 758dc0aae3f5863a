// Sends requests to a node at given times or in closed loops, over many connections on one thread,
// and measures the answers.
#pragma once

#include "apps/client/http_client.hpp"
#include "runtime/load/summary.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace greenroom::apps {

/// One POST.
struct load_request {
  std::string target = "/v1/tasks";
  std::string body;
};

/// One POST of an open loop, and its send time in seconds from the start.
struct timed_request {
  double at_s = 0;
  load_request what;
};

struct load_progress {
  double elapsed_s = 0;
  std::uint64_t sent = 0;
  std::size_t in_flight = 0, waiting = 0;
  const runtime::load::load_summary* so_far = nullptr;
};

struct load_job {
  node_address where;
  std::size_t connections_max = 256;
  std::chrono::milliseconds patience{30'000};
  double warmup_s = 0;    ///< Requests sent during the warm-up are not measured.
  double duration_s = 0;  ///< Includes the warm-up; 0 for an open loop: until `next` ends.

  /// Open loop: the requests in order of time. Latency counts from `at_s` even if the request waits
  /// for a free connection, so that a stall is not hidden (coordinated omission).
  std::function<std::optional<timed_request>()> next;

  /// Closed loop, when `users` > 0: each user asks, waits for the answer, thinks, asks again.
  std::size_t users = 0;
  std::function<load_request(std::size_t user)> ask;
  std::function<double()> think_s;

  std::function<void(const load_progress&)> watch;  ///< Four times a second.
};

struct load_outcome {
  runtime::load::load_summary summary;
  std::map<unsigned, std::uint64_t> statuses;  ///< Measured answers by HTTP status.
  std::uint64_t sent = 0;
  double elapsed_s = 0;
  /// The largest delay between `at_s` and the real send time of an open loop. The driver caused the
  /// delay if connections were free, the node if none was.
  double latest_s = 0;
  std::string first_error;       ///< The first answer or failure that is neither success nor shed.
  std::uint64_t unanswered = 0;  ///< Requests without an answer, warm-up included.
  bool unreachable = false;      ///< No connection succeeded.
  bool gone = false;             ///< Connections succeeded, but not the last one at the end.
  bool interrupted = false;      ///< Ctrl-C: the figures end there.
};

load_outcome run_load(const load_job& job);

}  // namespace greenroom::apps
