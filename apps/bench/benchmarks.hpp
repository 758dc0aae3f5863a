// The benchmarks. Each runs through a whole node, with metrics, bounds and supervision on.
#pragma once

#include "apps/bench/report.hpp"

#include <string>
#include <vector>

namespace greenroom::bench {

/// 83 callables, Zipf's law, 256 bytes, 64 outstanding, one thread outside the node.
std::vector<result> dispatch(const settings& how);
/// Poisson arrivals at 0.5 and 0.9 of the rate of `dispatch`.
std::vector<result> open_loops(const settings& how);
/// 500, 5,000 and 100,000 callables.
std::vector<result> fleet(const settings& how);
/// One warm worker process, one task at a time. Floor: bare epoll with the same worker.
std::vector<result> process_rtt(const settings& how);
/// 64 outstanding over 17 worker processes.
std::vector<result> process_load(const settings& how);
/// From process start to the first answer: one at a time, and 20 at once.
std::vector<result> cold_start(const settings& how);
/// POST /v1/tasks over 64 connections. Floor: a bare RESTinio echo.
std::vector<result> http(const settings& how);
/// Durable tasks of 64 clients. Floor: a bare batched insert.
std::vector<result> journal(const settings& how);
/// A 503 answer of a full queue over HTTP.
std::vector<result> refusals(const settings& how);
/// The cost of decisions: nanoseconds of policy and predictor per task, and the duration of their
/// ticks, with 83, 500, 5,000 and 100,000 specialists. None of it is on a task's path.
std::vector<result> policy(const settings& how);
/// Google Benchmark over small parts. Returns the exit code.
int micro(bool json);

// -- parts that run in a separate process --------------------------------------
/// Creates callables and prints the cost of each.
int fleet_child(const std::vector<std::string>& arguments);
/// An HTTP load client; see http_load.hpp.
int http_child(const std::vector<std::string>& arguments);

/// Runs this program again with `arguments` and returns the output.
[[nodiscard]] std::string run_child(const settings& how, const std::string& arguments);

}  // namespace greenroom::bench
