// Fuzzes what a worker may write to its node in the mcp protocol.
#include "protocols/worker_mcp.hpp"

#include "tests/fuzz/worker_codec_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return greenroom::fuzz::feed_both_ways(data, size,
                                         [] { return greenroom::protocols::make_mcp_codec(1000); });
}
