// Fuzzes the JSON text of tasks: the strict scanner against another parser, and its way through
// MessagePack and back.
#include "protocols/msgpack_json.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"
#include "tests/fuzz/worker_codec_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace greenroom::protocols;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::string mended{text};
  const bool valid = greenroom::base::make_json(mended);
  // The other parser has no limit of depth, takes a byte order mark, and ends at a NUL.
  const bool deep = text.find("[[[[[[[[") != text.npos || text.find(":{\"") != text.npos;
  const bool odd = deep || text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf");
  if (valid && !greenroom::fuzz::is_json_elsewhere(mended)) std::abort();
  if (!valid && !odd && nlohmann::json::accept(text)) std::abort();
  std::string packed, back;
  if (append_msgpack(packed, text).has_value() != valid) std::abort();
  if (valid && (!append_json(back, packed) || !greenroom::base::is_json(back))) std::abort();
  back.clear();
  if (append_json(back, text) && !greenroom::base::is_json(back)) std::abort();
  std::string line;
  if (make_mcp_codec(1000)->add_task(line, "1", text, 1))
    if (line.find('\n') != line.size() - 1 || !greenroom::base::make_json(line)) std::abort();
  return 0;
}
