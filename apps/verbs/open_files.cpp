#include "apps/verbs/open_files.hpp"

#include "runtime/machine/process/file_limit.hpp"
#include "runtime/queueing/file_budget.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace greenroom::apps {

namespace {

/// Standard streams, the journal's connections and logs, event loops, listeners, learned state, the
/// pipes of a starting worker, and a reserve for name look-ups and web hooks.
constexpr std::size_t own_files = 64;
constexpr std::size_t files_per_loop = 6;
/// Stdin, stdout, stderr, the pidfd, and a second descriptor of stdin for slow writes.
constexpr std::size_t files_per_process = 5;

std::size_t files_of(const config::specialist& one) {
  const auto& worker = one.backend;
  switch (worker.kind) {
    case config::backend_kind::process: return files_per_process;
    case config::backend_kind::http:
      return worker.concurrency + 1 + (worker.command.empty() ? 0 : files_per_process);
    case config::backend_kind::function: break;
  }
  return 0;
}

runtime::file_needs needs_of(const config::node& configuration) {
  runtime::file_needs result;
  result.own = own_files + files_per_loop * configuration.io_threads;
  result.connections = configuration.limits.connections;
  std::size_t all = 0, pinned = 0;
  std::vector<std::size_t> others;
  for (const auto& group : configuration.departments)
    for (const auto& one : group.specialists) {
      const auto files = files_of(one);
      all += files;
      if (one.pin)
        pinned += files;
      else
        others.push_back(files);
    }
  // The worst case: the largest workers are warm, and `warming_concurrency` more are starting.
  std::ranges::sort(others, std::greater{});
  const auto warm =
      std::min(others.size(), configuration.pool.max_warm + configuration.pool.warming_concurrency);
  auto intelligent = pinned;
  for (std::size_t i = 0; i < warm; ++i) intelligent += others[i];
  result.workers = configuration.pool.mode == config::pool_mode::baseline ? all : intelligent;
  result.workers_most = all + intelligent;
  return result;
}

}  // namespace

base::expected<void> check_open_files(const config::node& configuration) {
  const auto limit = machine::raise_file_limit();
  const auto needs = needs_of(configuration);
  if (limit >= needs.own) return {};
  return base::problem{
      "too-few-files",
      "this process may have " + std::to_string(limit)
          + " open files (ulimit -Hn), and a node needs " + std::to_string(needs.own)
          + " for itself, " + std::to_string(needs.workers)
          + " for its workers and one for each connection: raise the limit (LimitNOFILE= in a "
            "service)"};
}

std::string fit_to_open_files(config::node& configuration) {
  const auto limit = machine::raise_file_limit();
  const auto needs = needs_of(configuration);
  const auto found = runtime::budget_files(limit, needs);
  configuration.limits.connections = found.connections;
  // Reserve files for a few connections, so that workers cannot use up all descriptors.
  constexpr std::size_t connections_kept = 64, others_kept = 8;
  machine::keep_files_from_workers(std::min(found.connections, connections_kept) + others_kept);
  return runtime::scarce_files_warning(limit, needs, found);
}

}  // namespace greenroom::apps
