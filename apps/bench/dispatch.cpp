// Callables through the whole node: closed window, open loop, large fleets.
#include "apps/bench/benchmarks.hpp"
#include "apps/bench/callers.hpp"
#include "apps/bench/ring_floor.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

namespace greenroom::bench {

namespace {

constexpr std::size_t cast_size = 83;
constexpr std::size_t window = 64;
constexpr std::size_t backlog = 4096;

/// `tasks` bounds the tasks in the node, waiting or running.
functions cast_with_room_for(std::size_t tasks) {
  auto cast = echo_functions(cast_size);
  cast.configuration.queue.per_specialist = std::min(tasks, std::size_t{2048});
  cast.configuration.queue.total = tasks;
  return cast;
}

std::string trouble(const call_report& report) {
  if (report.wrong > 0) return std::to_string(report.wrong) + " answers were wrong";
  return {};
}

// One window size, beside the floors with the same window.
result windowed(const settings& how, node& on, const call_targets& targets,
                std::size_t outstanding) {
  result whole;
  std::vector<figures> node_figures, rings, queues;
  std::vector<double> cpu, lines;
  std::uint64_t refused = 0;
  for (int round = 0; round < how.rounds; ++round) {
    const auto report = closed_window(on, targets, outstanding, how.seconds);
    if (whole.wrong.empty()) whole.wrong = trouble(report);
    refused += report.refused;
    cpu.push_back(report.node_cpu_us);
    node_figures.push_back(report.found);
    rings.push_back(ring_floor(cast_size, outstanding, how.seconds));
    queues.push_back(queue_floor(cast_size, outstanding, how.seconds));
    lines.push_back(line_round_trip_ns());
  }
  whole.found = median(node_figures);
  whole.floors = {{"boost.lockfree queue, one worker", median(queues)},
                  {"plain ring between two threads, batched", median(rings)}};
  whole.ratio = whole.found.tasks_per_s / whole.floors.front().found.tasks_per_s;
  whole.more = {
      {"ratio_to_plain_ring", whole.found.tasks_per_s / whole.floors.back().found.tasks_per_s},
      {"node_cpu_us_per_task", median(cpu)},
      {"specialists", cast_size},
      {"outstanding", static_cast<double>(outstanding)},
      {"cache_line_round_trip_ns", median(lines)},
      {"refused", static_cast<double>(refused)}};
  return whole;
}

}  // namespace

std::vector<result> dispatch(const settings& how) {
  std::vector<result> results;
  auto opened = open_functions(cast_with_room_for(2 * backlog));
  if (auto* why = std::get_if<std::string>(&opened)) {
    results.emplace_back().name = "dispatch";
    results.back().wrong = *why;
    return results;
  }
  auto& on = *std::get<0>(opened);
  const auto targets = zipf_targets(cast_size);
  auto one = windowed(how, on, targets, window);
  one.name = "dispatch";
  // A long queue, as after a pause: what a task touches has left the caches.
  const auto long_line = windowed(how, on, targets, backlog);
  if (one.wrong.empty()) one.wrong = long_line.wrong;
  one.more.emplace_back("tasks_per_s_4096_outstanding", long_line.found.tasks_per_s);
  one.more.emplace_back("ratio_4096_outstanding", long_line.ratio);
  results.push_back(std::move(one));
  return results;
}

namespace {

/// The results of an open loop at a share of the node's capacity, slice by slice.
struct shared_load {
  std::vector<figures> node_figures, rings, slow_rings;
  std::vector<double> capacities, lines, lost_ms, long_pauses;
  runtime::load::latency_recorder together;
  std::uint64_t refused = 0;
  double asked = 0, late_s = 0, longest_pause_ms = 0;
  int moved = 0, slow = 0;
  std::string wrong;

  // The capacity is measured right before the loop: the host moves the cores, and neighbouring
  // cores are twice as fast as distant ones. A slice during which the cores moved is repeated.
  void run_one(const settings& how, node& on, const call_targets& targets, double share) {
    constexpr int tries = 4;
    constexpr double moves = 1.6;
    for (int i = 0; i < tries; ++i) {
      const auto line = line_round_trip_ns();
      const auto capacity = closed_window(on, targets, window, how.seconds).found.tasks_per_s;
      const auto rate = capacity * share;
      const auto report = open_loop(on, targets, rate, how.seconds);
      const auto ring = ring_floor_open(cast_size, rate, how.seconds);
      const auto slow_ring = ring_floor_open(cast_size, rate, how.seconds, 1e9 / capacity);
      const auto away = pauses_of_two_threads(how.seconds);
      const auto line_after = line_round_trip_ns();
      if (wrong.empty()) wrong = trouble(report);
      if (i + 1 < tries && std::max(line, line_after) > std::min(line, line_after) * moves) {
        ++moved;
        continue;
      }
      refused += report.refused;
      asked += static_cast<double>(report.asked);
      late_s = std::max(late_s, report.held_back_s);
      capacities.push_back(capacity);
      lines.push_back(line_after);
      lost_ms.push_back(away.lost_ms_per_s);
      long_pauses.push_back(away.over_1ms_per_s);
      longest_pause_ms = std::max(longest_pause_ms, away.longest_ms);
      node_figures.push_back(report.found);
      together.merge(report.latencies);
      constexpr double slow_us = 1000;
      if (report.found.p99_us > slow_us) ++slow;
      rings.push_back(ring);
      slow_rings.push_back(slow_ring);
      return;
    }
  }
};

}  // namespace

std::vector<result> open_loops(const settings& how) {
  std::vector<result> results;
  // About 1 ms of tasks. Tasks that arrive while a core is preempted for longer are refused; a
  // longer queue would delay all later tasks until it is drained.
  constexpr std::size_t room = 1024;
  auto opened = open_functions(cast_with_room_for(room));
  if (auto* why = std::get_if<std::string>(&opened)) {
    results.emplace_back().name = "open-loop";
    results.back().wrong = *why;
    return results;
  }
  auto& on = *std::get<0>(opened);
  const auto targets = zipf_targets(cast_size);
  for (const auto share : {0.5, 0.9}) {
    result one;
    one.name = "open-loop-" + std::to_string(static_cast<int>(share * 100)) + "%";
    // A warm-up burst touches memory before the memory is compared.
    const auto about = closed_window(on, targets, window, 0.5).found.tasks_per_s;
    static_cast<void>(open_loop(on, targets, about * share, 0.5));
    const auto before = resident_bytes();
    shared_load rounds;
    // Core speed changes from second to second, so the share refers to a capacity measured just
    // before.
    constexpr int slices = 4;
    auto slice = how;
    slice.seconds /= slices;
    for (int i = 0; i < how.rounds * slices; ++i) rounds.run_one(slice, on, targets, share);
    const auto capacity = median(rounds.capacities);
    one.wrong = rounds.wrong;
    one.found = median(rounds.node_figures);
    one.floors = {
        {"plain ring between two threads, as many a second", median(rounds.rings)},
        {"plain ring whose other side has this node's capacity", median(rounds.slow_rings)}};
    one.ratio = one.found.tasks_per_s / one.floors.front().found.tasks_per_s;
    one.more = {
        {"offered_per_s", capacity * share},
        {"share_of_capacity", share},
        {"slices", static_cast<double>(rounds.node_figures.size())},
        {"slices_with_p99_over_1ms", static_cast<double>(rounds.slow)},
        {"p99_us_of_all_together", static_cast<double>(rounds.together.quantile(0.99)) / 1e3},
        {"cache_line_round_trip_ns", median(rounds.lines)},
        {"bare_thread_lost_ms_per_s", median(rounds.lost_ms)},
        {"bare_thread_pauses_over_1ms_per_s", median(rounds.long_pauses)},
        {"bare_thread_longest_pause_ms", rounds.longest_pause_ms},
        {"rounds_again_because_the_cores_moved", static_cast<double>(rounds.moved)},
        {"refused_share", static_cast<double>(rounds.refused) / rounds.asked},
        {"sender_late_s", rounds.late_s},
        {"memory_before_mb", before / 1e6},
        {"memory_after_mb", resident_bytes() / 1e6}};
    results.push_back(std::move(one));
  }
  return results;
}

// -- fleets -------------------------------------------------------------------

int fleet_child(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return 2;
  const auto count = static_cast<std::size_t>(std::atoll(arguments[0].c_str()));
  const auto seconds = std::atof(arguments[1].c_str());
  const auto before = resident_bytes();  // The configuration's memory is included.
  auto cast = echo_functions(count);
  const auto begin = now_ns();
  auto opened = open_functions(std::move(cast));
  const auto took = now_ns() - begin;
  if (auto* why = std::get_if<std::string>(&opened)) {
    std::fprintf(stderr, "%s\n", why->c_str());
    return 1;
  }
  const auto each = (resident_bytes() - before) / static_cast<double>(count);
  const auto report = closed_window(*std::get<0>(opened), zipf_targets(count), window, seconds);
  std::printf("%.0f %.3f %.0f %.2f %.2f %.2f %llu\n", each,
              static_cast<double>(took) / 1e3 / static_cast<double>(count),
              report.found.tasks_per_s, report.found.p50_us, report.found.p99_us,
              report.found.p999_us, static_cast<unsigned long long>(report.wrong));
  std::fflush(stdout);
  std::_Exit(0);  // Skips the shutdown of 100,000 actors.
}

namespace {

/// The results of one fleet size, one figure per round.
struct fleet_rounds {
  std::vector<figures> found;
  std::vector<double> bytes_each, create_us_each;
  std::string wrong;

  void run_one(const settings& how, std::size_t count) {
    if (!wrong.empty()) return;
    const auto output =
        run_child(how, "fleet-child " + std::to_string(count) + " " + std::to_string(how.seconds));
    figures node_figures;
    double bytes = 0, create_us = 0;
    unsigned long long bad = 0;
    if (std::sscanf(output.c_str(), "%lf %lf %lf %lf %lf %lf %llu", &bytes, &create_us,
                    &node_figures.tasks_per_s, &node_figures.p50_us, &node_figures.p99_us,
                    &node_figures.p999_us, &bad)
            != 7
        || bad > 0) {
      wrong = "a fleet of " + std::to_string(count) + " did not work: " + output;
      return;
    }
    found.push_back(node_figures);
    bytes_each.push_back(bytes);
    create_us_each.push_back(create_us);
  }
};

}  // namespace

std::vector<result> fleet(const settings& how) {
  struct compared {
    fleet_rounds small, large;
  };
  std::map<std::size_t, compared> sizes{{500, {}}, {5000, {}}, {100'000, {}}};
  // Each fleet runs alternately with a fleet of 83, in short turns, because the machine's speed
  // changes and its cores may move.
  constexpr int turns = 3;
  auto turn = how;
  turn.seconds /= turns;
  std::vector<result> results;
  for (auto& [count, both] : sizes) {
    for (int round = 0; round < how.rounds * turns; ++round) {
      both.small.run_one(turn, cast_size);
      both.large.run_one(turn, count);
    }
    auto& one = results.emplace_back();
    one.name = "fleet-" + std::to_string(count);
    one.wrong = both.small.wrong.empty() ? both.large.wrong : both.small.wrong;
    if (!one.wrong.empty()) continue;
    one.found = median(both.large.found);
    one.floors = {{"the same node with 83", median(both.small.found)}};
    one.ratio = one.found.tasks_per_s / one.floors.front().found.tasks_per_s;
    one.more = {{"bytes_each", median(both.large.bytes_each)},
                {"create_us_each", median(both.large.create_us_each)}};
  }
  return results;
}

}  // namespace greenroom::bench
