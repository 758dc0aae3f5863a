#include "runtime/machine/journal/idempotency.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace greenroom::machine {

namespace {

struct sip_state {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return word;
}

}  // namespace

std::uint64_t request_hash(const std::pair<std::uint64_t, std::uint64_t>& key,
                           std::uint64_t addressed, std::string_view input) {
  constexpr std::size_t step = sizeof(std::uint64_t);
  sip_state state{key.first ^ 0x736f6d6570736575ULL, key.second ^ 0x646f72616e646f6dULL,
                  key.first ^ 0x6c7967656e657261ULL, key.second ^ 0x7465646279746573ULL};
  const auto bytes = static_cast<std::uint64_t>(input.size() + step);
  state.take(addressed);
  for (; input.size() >= step; input.remove_prefix(step))
    state.take(little_endian(input.substr(0, step)));
  state.take(little_endian(input) | (bytes << 56U));
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace greenroom::machine
