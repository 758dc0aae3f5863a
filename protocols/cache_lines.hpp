// Cache lines that come while something else is being done.
#pragma once

#include <algorithm>
#include <cstddef>

namespace greenroom::protocols {

/// The line of `address` will be written soon. For x86-64 as it first was, __builtin_prefetch with
/// the wish to write compiles to a prefetch for reading, and the first write then waits for the
/// other core all the same. `prefetchw` is in every x86-64 processor sold since 2014, and does
/// nothing in older ones.
inline void prefetch_to_write(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

// Of a long text the first lines; the hardware fetches the rest as it is gone through.
inline constexpr std::size_t line_bytes = 64, bytes_ahead = 8 * line_bytes;

/// `bytes` from `begin` on will be read soon.
inline void prefetch_to_read(const char* begin, std::size_t bytes) {
  for (std::size_t at = 0; at < std::min(bytes, bytes_ahead); at += line_bytes)
    __builtin_prefetch(begin + at);
}
inline void prefetch_to_write(const char* begin, std::size_t bytes) {
  for (std::size_t at = 0; at < std::min(bytes, bytes_ahead); at += line_bytes)
    prefetch_to_write(begin + at);
}

}  // namespace greenroom::protocols
