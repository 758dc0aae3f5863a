// Callers of a node from a thread outside it: a closed window, and an open loop that does not wait.
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
  std::uint64_t refused = 0;                  ///< Turned away at the door.
  std::uint64_t wrong = 0;  ///< Ended badly, or with another answer than the input.
  /// Closed window: processor time of all other threads for each task, whatever else runs.
  double node_cpu_us = 0;
  double held_back_s = 0;  ///< Open loop: how late the sender itself was at the end.
};

/// Names looked up once, and who is asked in which order.
class audience {
public:
  audience(const std::vector<std::string>& names, std::vector<std::uint32_t> picks);

  /// Who is asked by the call of that number; the order begins again when it is over.
  [[nodiscard]] std::string_view whom(std::uint64_t call) const {
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
[[nodiscard]] audience zipf_audience(std::size_t specialists);

/// Keeps `window` tasks outstanding: each end is followed by the next task, sent by the calling
/// thread, which spins. Every answer is compared.
[[nodiscard]] call_report closed_window(node& on, const audience& whom, std::size_t window,
                                        double seconds);

/// The same without a thread of the caller's: each task is sent from the end of the one before.
[[nodiscard]] call_report callback_window(node& on, const audience& whom, std::size_t window,
                                          double seconds);

/// Sends at Poisson's times whatever comes back; latencies count from the intended time.
[[nodiscard]] call_report open_loop(node& on, const audience& whom, double rate_per_s,
                                    double seconds);

/// One at a time: from the completion callback of the one before (no thread of the caller's), or
/// from a thread that sleeps until the end is told.
enum class next_from { callback, outside_thread };
[[nodiscard]] call_report one_at_a_time(node& on, const audience& whom, next_from who,
                                        double seconds);

}  // namespace greenroom::bench
