// The result of a benchmark, and how it is printed.
#pragma once

#include "runtime/load/latency_recorder.hpp"

#include <string>
#include <utility>
#include <vector>

namespace greenroom::bench {

/// Settings of every benchmark.
struct settings {
  double seconds = 2;          ///< Per measurement, of benchmark and floor alike.
  int rounds = 3;              ///< Repetitions, alternating with the floors; medians are reported.
  std::string bin_directory;   ///< Where greenroom-echo-worker is.
  std::string data_directory;  ///< For scratch files; `journal` measures this disk.
  std::string program;         ///< Path of this program, for parts that run in a separate process.
};

/// The figures of one measurement, or the medians of several. Latencies in microseconds.
struct figures {
  double tasks_per_s = 0;
  double p50_us = 0, p99_us = 0, p999_us = 0;
};
[[nodiscard]] figures figures_of(const runtime::load::latency_recorder& latencies, double seconds);
/// @pre not empty
[[nodiscard]] figures median(const std::vector<figures>& rounds);
[[nodiscard]] double median(std::vector<double> values);

struct floor_figure {
  std::string name;
  figures found;
};

struct result {
  std::string name;
  figures found;
  std::vector<floor_figure> floors;  ///< `ratio` refers to the first.
  /// Ratio of throughputs where throughput is the target, else of median latencies; 0: no floor.
  double ratio = 0;
  std::vector<std::pair<std::string, double>> more;
  std::string wrong;  ///< What failed; the figures are then meaningless.
};

/// One JSON object without a newline.
[[nodiscard]] std::string to_json(const result& one);
/// The result as lines of text.
[[nodiscard]] std::string to_text(const result& one);

}  // namespace greenroom::bench
