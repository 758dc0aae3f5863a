// Turns a stream of bytes into log lines, bounded in length and rate.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine {

/// Cuts long lines; beyond the rate, drops and counts lines.
class line_limit {
public:
  struct bounds {
    std::size_t line_bytes_max = 4096;
    std::int64_t lines_per_second = 100;
    std::int64_t burst = 200;  ///< Lines at once after a silence: enough for a stack trace.
  };
  line_limit() = default;
  explicit line_limit(bounds limits) : limits_{limits} {}

  /// Calls `take(line)` for each line to log. `now_ns` never goes back.
  template <class Take>
  void feed(std::string_view bytes, std::int64_t now_ns, Take&& take) {
    refill(now_ns);
    while (!bytes.empty()) {
      const auto length = std::min(bytes.find('\n'), bytes.size());
      const auto room = limits_.line_bytes_max - line_.size();
      cut_ |= length > room;
      line_.append(bytes.substr(0, std::min(length, room)));
      if (length == bytes.size()) return;
      bytes.remove_prefix(length + 1);
      emit(take);
    }
  }

  /// After the worker's end: takes the last, unterminated line.
  template <class Take>
  void finish(std::int64_t now_ns, Take&& take) {
    refill(now_ns);
    if (!line_.empty()) emit(take);
    if (dropped_ > 0) take(std::to_string(std::exchange(dropped_, 0)) + " lines dropped");
  }

private:
  void refill(std::int64_t now_ns) {
    if (last_ns_ == 0) last_ns_ = now_ns;
    const auto step_ns = 1'000'000'000 / limits_.lines_per_second;
    const auto earned = (now_ns - last_ns_) / step_ns;
    last_ns_ += earned * step_ns;
    tokens_ = std::min(limits_.burst, (tokens_ < 0 ? limits_.burst : tokens_) + earned);
  }
  template <class Take>
  void emit(Take& take) {
    if (tokens_ <= 0) {
      ++dropped_;
    } else {
      if (dropped_ > 0) take(std::to_string(std::exchange(dropped_, 0)) + " lines dropped");
      --tokens_;
      if (cut_) line_ += " [cut]";
      if (!line_.empty() && line_.back() == '\r') line_.pop_back();
      if (!line_.empty()) take(std::string_view{line_});
    }
    line_.clear();
    cut_ = false;
  }

  bounds limits_;
  std::string line_;
  bool cut_ = false;
  std::int64_t tokens_ = -1;  ///< Negative: no bytes were fed yet.
  std::int64_t last_ns_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace greenroom::machine
