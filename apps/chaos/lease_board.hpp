// Fault leases in memory that the chaos program shares with the wire processes: which fault applies
// to a worker's byte stream, and until when.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace greenroom::apps {

/// One worker's lease. It expires by the clock, so no message has to revoke it.
struct wire_lease {
  enum class kind : std::uint32_t { none, slow, garble, cut, swell };
  std::atomic<std::int64_t> until_ns{0};  ///< CLOCK_MONOTONIC; in the past: no lease.
  std::atomic<kind> what{kind::none};
  std::atomic<std::uint32_t> amount{0};  ///< slow: milliseconds. swell: megabytes.
};

/// Environment variables that tell a wire process its lease file and slot.
inline constexpr const char* lease_file_variable = "GREENROOM_CHAOS_LEASES";
inline constexpr const char* lease_slot_variable = "GREENROOM_CHAOS_SLOT";

/// A memory-mapped file of leases. The chaos program writes it; wire processes only read.
class lease_board {
public:
  lease_board() = default;
  ~lease_board();
  lease_board(const lease_board&) = delete;
  lease_board& operator=(const lease_board&) = delete;

  /// Both return false when the file cannot be made or opened.
  bool create(const std::string& file, std::size_t slots);
  bool open(const std::string& file);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] wire_lease& at(std::size_t slot) { return leases_[slot]; }
  [[nodiscard]] const wire_lease& at(std::size_t slot) const { return leases_[slot]; }

private:
  bool map(int file, std::size_t bytes, bool writable);
  wire_lease* leases_ = nullptr;
  std::size_t size_ = 0;
};

std::int64_t monotonic_ns();

}  // namespace greenroom::apps
