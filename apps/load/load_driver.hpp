// Sends requests to a node at their moments or in closed loops, over many connections on one
// thread, and measures what comes back.
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

/// One POST of an open loop and when it is to be sent, from the start.
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
  double warmup_s = 0;    ///< What is sent before is not measured.
  double duration_s = 0;  ///< With the warm-up; 0 for an open loop: until `next` ends.

  /// Open loop: the requests in order of time. Latency counts from `at_s`, whatever the driver and
  /// the node do meanwhile: a request that has to wait for a connection has already begun.
  std::function<std::optional<timed_request>()> next;

  /// Closed loop, when `users` > 0: each asks, waits, thinks, asks again.
  std::size_t users = 0;
  std::function<load_request(std::size_t user)> ask;
  std::function<double()> think_s;

  std::function<void(const load_progress&)> watch;  ///< Four times a second.
};

struct load_outcome {
  runtime::load::load_summary summary;
  std::map<unsigned, std::uint64_t> statuses;  ///< Of measured answers.
  std::uint64_t sent = 0;
  double elapsed_s = 0;
  /// How late the latest request of an open loop was really sent: the driver's own fault when
  /// there were connections left, the node's when there were none.
  double latest_s = 0;
  std::string first_error;       ///< The first answer or failure that was neither good nor shed.
  std::uint64_t unanswered = 0;  ///< Requests, also of the warm-up, that broke or got no answer.
  bool unreachable = false;      ///< Not one connection succeeded.
  bool gone = false;             ///< Some did, and at the end, when asked once more, none did.
  bool interrupted = false;      ///< By Ctrl-C: what is here is what was measured until then.
};

load_outcome run_load(const load_job& job);

}  // namespace greenroom::apps
