// Cache lines that come while something else is being done.
#pragma once

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

}  // namespace greenroom::protocols
