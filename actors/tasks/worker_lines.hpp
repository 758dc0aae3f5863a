// The last lines that each worker wrote to standard error, which say why a worker failed.
#pragma once

#include "protocols/node_events.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::actors {

/// Bounded in bytes: `specialist_bytes` for each specialist and `bytes_max` in all, shared evenly
/// between the specialists that wrote anything; the oldest lines are removed, a longer line is cut.
/// Any thread.
class worker_lines {
public:
  static constexpr std::size_t bytes_max = std::size_t{8} << 20;
  static constexpr std::size_t specialist_bytes = std::size_t{64} << 10;
  static constexpr std::size_t specialist_bytes_min = 512;
  static constexpr std::size_t line_bytes = 4096;

  void add(std::string_view specialist, std::string_view text, std::int64_t unix_ms);
  /// Removes the lines of specialists that `is_known` does not know: no caller can ask for them,
  /// and their names would gather.
  void keep(const std::function<bool(std::string_view)>& is_known);
  /// The lines after the line number `after`, at most the last `most`, the oldest first.
  [[nodiscard]] std::vector<worker_line> of(std::string_view specialist, std::uint64_t after,
                                            std::size_t most) const;

private:
  struct tail {
    std::deque<worker_line> lines;
    std::size_t bytes = 0;
  };
  [[nodiscard]] std::size_t share() const;
  static void trim(tail& one, std::size_t most);

  mutable std::mutex mutex_;
  std::map<std::string, tail, std::less<>> tails_;
  std::uint64_t last_ = 0;
};

}  // namespace greenroom::actors
