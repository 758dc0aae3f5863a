// Limits what a worker says unasked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace greenroom::machine {

/// Counts output that is no answer. One thread.
class flood_limit {
public:
  /// Limit on bytes that are no answer, at once.
  static constexpr std::int64_t bytes_max = std::int64_t{16} << 20;

  /// Counts one message of `bytes`.
  void count(std::size_t bytes, std::int64_t now_ns) {
    if (now_ns - since_ns_ > second_ns) {
      const auto seconds = (now_ns - since_ns_) / second_ns;
      bytes_ -= std::min(bytes_, seconds * bytes_per_second);
      since_ns_ += seconds * second_ns;
      messages_ = 0;
    }
    bytes_ += static_cast<std::int64_t>(std::min(bytes, bytes_of_one_max)) + bytes_per_message;
    ++messages_;
  }
  [[nodiscard]] bool too_many_bytes() const { return bytes_ > bytes_max; }
  /// Holds for an idle worker: while the worker starts or has a task, only bytes are limited.
  [[nodiscard]] bool too_many_messages() const { return messages_ > messages_max; }

private:
  static constexpr int messages_max = 1000;  ///< A second.
  static constexpr std::int64_t bytes_per_second = std::int64_t{1} << 20;
  static constexpr std::int64_t bytes_per_message = 64;  ///< The cost of parsing a message.
  /// A single message counts for no more, so that one long message does not end its worker.
  static constexpr std::size_t bytes_of_one_max = std::size_t{4} << 20;
  static constexpr std::int64_t second_ns = 1'000'000'000;

  int messages_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t since_ns_ = 0;
};

}  // namespace greenroom::machine
