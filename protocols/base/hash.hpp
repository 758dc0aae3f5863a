// Hashes that are the same on every machine and in every release.
#pragma once

#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// FNV-1a, 64 bits (Fowler, Noll and Vo). Its values are in trace files, in sealed state and in the
/// environment of workers.
constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// The step of SplitMix64's state: 2^64 divided by the golden ratio.
inline constexpr std::uint64_t golden_step = 0x9e3779b97f4a7c15ULL;

/// The output function of SplitMix64 (Steele, Lea and Flood 2014): a bijection that mixes every
/// bit.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

/// Mixes a value into a hash.
constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  return mixed(hash ^ (value + golden_step + (hash << 6U) + (hash >> 2U)));
}

/// FNV-1a whose bits are all mixed, so that the upper ones can be a position in [0, 1).
constexpr std::uint64_t stable_hash(std::string_view text) { return mixed(0, fnv1a(text)); }

}  // namespace greenroom::base
