// What a benchmark found, and how it is shown.
#pragma once

#include "runtime/load/latency_recorder.hpp"

#include <string>
#include <utility>
#include <vector>

namespace greenroom::bench {

/// What every benchmark is told.
struct settings {
  double seconds = 2;  ///< Each measurement; a floor gets as long as what stands on it.
  int rounds = 3;      ///< The thing and its floors take turns so often; medians are reported.
  std::string bin_directory;   ///< Where greenroom-echo-worker is.
  std::string data_directory;  ///< Scratch files go here; its disk is what `journal` measures.
  std::string program;         ///< This program, for parts that need a process of their own.
};

/// Plain figures of one measurement, or of several by their medians. Latencies in microseconds.
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
  std::vector<floor_figure> floors;  ///< The first is the one that `ratio` refers to.
  /// Of the throughputs where that is the bar, else of the medians of the latencies; 0: no floor.
  double ratio = 0;
  std::vector<std::pair<std::string, double>> more;
  std::string wrong;  ///< What did not work; the figures mean nothing then.
};

/// One JSON object, without the end of the line.
[[nodiscard]] std::string to_json(const result& one);
/// Lines for people.
[[nodiscard]] std::string to_text(const result& one);

}  // namespace greenroom::bench
