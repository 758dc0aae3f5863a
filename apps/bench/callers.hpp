// Load from a thread outside the node: a closed window, and an open loop.
#pragma once

#include "apps/bench/stage.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::bench {

struct call_report {
  figures found;
  runtime::load::latency_recorder latencies;  ///< Open loop only.
  std::uint64_t asked = 0;                    ///< Open loop only.
  std::uint64_t refused = 0;                  ///< Refused by admission.
  std::uint64_t wrong = 0;  ///< Failed, or answered with something other than the input.
  /// Closed window: processor time of all other threads per task.
  double node_cpu_us = 0;
  double held_back_s = 0;  ///< Open loop: how far the sender was behind schedule at the end.
};

/// The specialists' names and the order of calls.
class call_targets {
public:
  call_targets(const std::vector<std::string>& names, std::vector<std::uint32_t> picks);

  /// The name for call number `call`; the order repeats.
  [[nodiscard]] std::string_view name_of(std::uint64_t call) const {
    const auto& name = names_[picks_[call % picks_.size()]];
    return {name.letters.data(), name.length};
  }

private:
  struct alignas(16) written {
    std::array<char, 15> letters;
    std::uint8_t length;
  };

  std::vector<written> names_;
  std::vector<std::uint32_t> picks_;
};
[[nodiscard]] call_targets zipf_targets(std::size_t specialists);

/// Keeps `window` tasks outstanding: the calling thread spins, and sends the next task at each end.
/// Every answer is compared with the input.
[[nodiscard]] call_report closed_window(node& on, const call_targets& targets, std::size_t window,
                                        double seconds);

/// The same without a sending thread: the completion callback of each task sends the next one.
[[nodiscard]] call_report callback_window(node& on, const call_targets& targets, std::size_t window,
                                          double seconds);

/// Sends at Poisson times regardless of the answers. Latency counts from the intended time.
[[nodiscard]] call_report open_loop(node& on, const call_targets& targets, double rate_per_s,
                                    double seconds);

/// One task at a time: sent by the completion callback of the task before, or by a thread that
/// sleeps until that task's end is reported.
enum class next_from { callback, outside_thread };
[[nodiscard]] call_report one_at_a_time(node& on, const call_targets& targets, next_from sender,
                                        double seconds);

}  // namespace greenroom::bench
