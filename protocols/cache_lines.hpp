// Prefetches cache lines.
#pragma once

#include <algorithm>
#include <cstddef>

namespace greenroom::protocols {

/// Prefetches the line of `address` for writing. For baseline x86-64, __builtin_prefetch for
/// writing compiles to a prefetch for reading, so the first write still waits for the other core.
/// `prefetchw` is in every x86-64 processor sold since 2014, and has no effect in older ones.
inline void prefetch_to_write(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

// Of a long text only the first lines; the hardware prefetches the rest during a sequential read.
inline constexpr std::size_t line_bytes = 64, bytes_ahead = 8 * line_bytes;

/// Prefetches `bytes` from `begin` on for reading.
inline void prefetch_to_read(const char* begin, std::size_t bytes) {
  for (std::size_t at = 0; at < std::min(bytes, bytes_ahead); at += line_bytes)
    __builtin_prefetch(begin + at);
}
inline void prefetch_to_write(const char* begin, std::size_t bytes) {
  for (std::size_t at = 0; at < std::min(bytes, bytes_ahead); at += line_bytes)
    prefetch_to_write(begin + at);
}

}  // namespace greenroom::protocols
