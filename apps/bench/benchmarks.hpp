// The benchmarks by name. Each goes through a whole node, with all its metrics, bounds and
// supervision on.
#pragma once

#include "apps/bench/report.hpp"

#include <string>
#include <vector>

namespace greenroom::bench {

/// 83 callables, Zipf's law, 256 bytes, 64 outstanding, one thread outside the node.
std::vector<result> dispatch(const settings& how);
/// Poisson at half and at nine tenths of what `dispatch` does.
std::vector<result> open_loops(const settings& how);
/// 500, 5,000 and 100,000 callables.
std::vector<result> fleet(const settings& how);
/// One warm worker process asked again and again; its floor is bare epoll with the same worker.
std::vector<result> process_rtt(const settings& how);
/// 64 outstanding over 17 worker processes.
std::vector<result> process_load(const settings& how);
/// From nothing to the first answer: one at a time, and 20 at once.
std::vector<result> cold_start(const settings& how);
/// POST /v1/tasks over 64 connections; its floor is a bare RESTinio echo.
std::vector<result> http(const settings& how);
/// Durable tasks of 64 clients; its floor is a bare batched insert.
std::vector<result> journal(const settings& how);
/// A 503 of a full queue over HTTP.
std::vector<result> refusals(const settings& how);
/// What the decisions cost: nanoseconds of policy and predictor for each task, and the times of
/// their ticks, with 83, 500, 5,000 and 100,000 specialists. Nothing of it is on a task's way.
std::vector<result> policy(const settings& how);
/// Google Benchmark over the small pieces. Returns the exit code.
int micro(bool json);

// -- parts that run in a process of their own ---------------------------------
/// Creates so many callables and prints what they cost.
int fleet_child(const std::vector<std::string>& arguments);
/// A load client over HTTP; see http_client.hpp.
int http_child(const std::vector<std::string>& arguments);

/// Runs this program again with `arguments` and returns what it printed.
[[nodiscard]] std::string run_child(const settings& how, const std::string& arguments);

}  // namespace greenroom::bench
