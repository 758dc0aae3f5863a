// Fuzzes what a worker may write to its node in the msgpack protocol.
#include "protocols/worker_msgpack.hpp"

#include "tests/fuzz/worker_codec_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return greenroom::fuzz::feed_both_ways(
      data, size, [] { return greenroom::protocols::make_msgpack_codec(1000); });
}
