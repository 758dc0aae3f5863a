// What a chaos run is given, and what comes of it.
#pragma once

#include "config/chaos_plan.hpp"
#include "config/node.hpp"
#include "runtime/chaos/answer_book.hpp"
#include "runtime/chaos/recovery.hpp"
#include "runtime/chaos/schedule.hpp"
#include "runtime/chaos/verdict.hpp"
#include "runtime/load/latency_recorder.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace greenroom::apps {

/// The cast with the indices that the schedule uses: departments and specialists in configured
/// order.
struct cast_list {
  std::vector<std::string> names;
  std::vector<std::string> departments;
  runtime::chaos::shape shape;
};
/// Lists the cast. A specialist whose URL is `cloud_url` counts as a cloud specialist.
cast_list list_cast(const config::node& from, const std::string& cloud_url);

/// The plan's rules for the schedule. A name that is not in the cast becomes a problem.
struct rules_result {
  std::vector<runtime::chaos::rule> rules;
  std::vector<std::string> problems;
};
rules_result rules_of(const config::chaos_plan& plan, const cast_list& cast);

/// One fault and its result.
struct fault_outcome {
  runtime::chaos::fault what;
  bool carried_out = false;
  std::string omitted;      ///< Why the fault was not carried out, e.g. no worker ran.
  std::string happened_to;  ///< The specialist or the actor that was hit.
  runtime::chaos::recovery recovery;
};

struct chaos_result {
  std::string problem;  ///< Not empty: the run failed, or the node collapsed.
  bool interrupted = false;
  double seconds = 0;
  std::vector<fault_outcome> faults;
  runtime::chaos::outcome outcome;
  runtime::chaos::times outage;
  runtime::load::latency_recorder latency;  ///< Of the traffic's completed tasks, in ns.
  std::uint64_t accepted = 0, refused = 0, failed = 0, probes = 0;
  std::uint64_t by_fallback = 0;                 ///< Completed by a fallback specialist.
  std::map<std::string, std::uint64_t> reasons;  ///< Why tasks were refused or failed.
  std::uint64_t ledger_looks = 0, journaled = 0, journal_missing = 0;
  double memory_mb = 0, memory_max_mb = 0, budget_mb = 0;
  std::uint64_t retries = 0, cold_starts = 0, workers_killed = 0, actors_killed = 0;
};

struct chaos_progress {
  double elapsed_s = 0, duration_s = 0;
  std::uint64_t asked = 0, completed = 0, pending = 0;
  double memory_mb = 0;
  std::size_t workers_up = 0;
  std::size_t begun = 0, open = 0;
  const std::vector<fault_outcome>* faults = nullptr;
};

class tcp_wire;

struct chaos_job {
  config::chaos_plan plan;
  config::node configuration;
  cast_list cast;
  std::vector<runtime::chaos::fault> schedule;
  std::string bin_directory;
  std::string folder;  ///< Scratch folder for the journal and the leases.
  std::function<void(const chaos_progress&)> watch;               ///< Called every 0.2 s.
  std::function<void(const fault_outcome&, double)> on_recovery;  ///< Seconds since the start.
  const std::atomic<bool>* interrupted = nullptr;
  tcp_wire* cloud = nullptr;  ///< The proxy to the cloud server, or null.
};

}  // namespace greenroom::apps
