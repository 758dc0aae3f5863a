#include "protocols/msgpack_json.hpp"

#include "protocols/msgpack_visitors.hpp"

#include <vector>

namespace greenroom::protocols {
namespace {

/// MessagePack needs a container's size before its elements, so a first pass counts them, in the
/// order in which the containers begin.
struct size_counter : base::json_deaf {
  std::vector<std::uint32_t> sizes;
  std::vector<std::size_t> open;
  void begin_object() { begin(); }
  void begin_array() { begin(); }
  void end_object(std::uint32_t members) { end(members); }
  void end_array(std::uint32_t elements) { end(elements); }
  void begin() {
    open.push_back(sizes.size());
    sizes.push_back(0);
  }
  void end(std::uint32_t count) {
    sizes[open.back()] = count;
    open.pop_back();
  }
};

struct pack_writer : base::json_deaf {
  pack_writer(string_sink& to, const std::vector<std::uint32_t>& counted)
      : sink{to}, pack{to}, sizes{counted} {}
  string_sink& sink;
  packer pack;
  const std::vector<std::uint32_t>& sizes;
  std::size_t next = 0;
  std::string room;
  void begin_object() { pack.pack_map(sizes[next++]); }
  void begin_array() { pack.pack_array(sizes[next++]); }
  void key(std::string_view raw) { pack_text(pack, base::unescape(raw, room)); }
  void string(std::string_view raw) { pack_text(pack, base::unescape(raw, room)); }
  void literal(char first) {
    if (first == 't')
      pack.pack_true();
    else if (first == 'f')
      pack.pack_false();
    else
      pack.pack_nil();
  }
  /// Without msgpack-c, which would pack 5.0 as an integer.
  void double_value(double real) {
    const auto bits = std::bit_cast<std::uint64_t>(real);
    char bytes[9] = {static_cast<char>(0xcb)};
    for (std::size_t i = 0; i < 8; ++i)
      bytes[i + 1] = static_cast<char>(static_cast<unsigned char>(bits >> (56 - 8 * i)));
    sink.write(bytes, sizeof bytes);
  }
  void number(std::string_view raw, bool integral) {
    const char* const end = raw.data() + raw.size();
    if (integral) {
      std::int64_t plain = 0;
      if (std::from_chars(raw.data(), end, plain).ec == std::errc{}) {
        pack.pack_int64(plain);
        return;
      }
      std::uint64_t large = 0;
      if (raw.front() != '-' && std::from_chars(raw.data(), end, large).ec == std::errc{}) {
        pack.pack_uint64(large);
        return;
      }
    }
    double real = 0;
    if (std::from_chars(raw.data(), end, real).ec != std::errc{})
      real = std::strtod(std::string{raw}.c_str(), nullptr);  // Out of range: infinity or zero.
    double_value(real);
  }
};

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[i])) : 0U;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out.push_back(letters[group >> 18]);
    out.push_back(letters[group >> 12 & 63]);
    out.push_back(i + 1 < bytes.size() ? letters[group >> 6 & 63] : '=');
    out.push_back(i + 2 < bytes.size() ? letters[group & 63] : '=');
  }
}

base::expected<void> append_msgpack(std::string& out, std::string_view json) {
  const auto walk = [json](auto& visitor) {
    base::json_scanner<std::remove_reference_t<decltype(visitor)>> scan{json, visitor};
    scan.skip_space();
    if (!scan.value(base::json_depth_max)) return false;
    scan.skip_space();
    return scan.at_end();
  };
  size_counter counted;
  const base::problem invalid{"input", "the input is not valid JSON"};
  if (!walk(counted)) return invalid;
  string_sink sink{out};
  pack_writer writer{sink, counted.sizes};
  if (!walk(writer)) return invalid;
  return {};
}

base::expected<void> append_json(std::string& out, std::string_view packed) {
  const auto before = out.size();
  json_writer writer;
  writer.out = &out;
  std::size_t used = 0;
  if (msgpack::parse(packed.data(), packed.size(), used, writer) && used == packed.size())
    return {};
  out.resize(before);
  return base::problem{"msgpack", writer.why ? writer.why : "is not one MessagePack value"};
}

}  // namespace greenroom::protocols
