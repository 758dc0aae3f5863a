#include "runtime/machine/http/content_coding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace greenroom::machine {

content_coding coding_in(std::string_view field) {
  std::string lower;
  for (const char c : field)
    if (c != ' ' && c != '\t')
      lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.empty() || lower == "identity") return content_coding::identity;
  if (lower == "gzip" || lower == "x-gzip") return content_coding::gzip;
  if (lower == "deflate") return content_coding::deflate;
  return content_coding::unknown;
}

struct content_unpacker::inside {
  z_stream stream{};
  content_coding coding = content_coding::gzip;
  bool begun = false, ended = false, broken = false;
  std::string first;  ///< For deflate: the first two bytes, which tell whether there is a zlib
                      ///< header.

  [[nodiscard]] bool open(int window) {
    begun = ::inflateInit2(&stream, window) == Z_OK;
    broken = !begun;
    return begun;
  }

  [[nodiscard]] bool inflate_all(std::string_view bytes, const taker& take) {
    std::array<unsigned char, 16384> out{};
    // zlib only reads this buffer, but its interface is not const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    for (;;) {
      if (ended) {
        if (stream.avail_in == 0) return true;
        // Several gzip members form one body; after deflate nothing may follow.
        if (coding != content_coding::gzip || ::inflateReset(&stream) != Z_OK) return false;
        ended = false;
      }
      stream.next_out = out.data();
      stream.avail_out = static_cast<uInt>(out.size());
      const auto state = ::inflate(&stream, Z_SYNC_FLUSH);
      const auto count = out.size() - stream.avail_out;
      if (count > 0 && !take({reinterpret_cast<const char*>(out.data()), count})) return true;
      if (state == Z_STREAM_END)
        ended = true;
      else if (state == Z_BUF_ERROR
               || (state == Z_OK && stream.avail_out > 0 && stream.avail_in == 0))
        return true;
      else if (state != Z_OK)
        return false;
    }
  }
};

content_unpacker::content_unpacker(content_coding coding) : inside_{std::make_unique<inside>()} {
  inside_->coding = coding;
}

content_unpacker::~content_unpacker() {
  if (inside_->begun) ::inflateEnd(&inside_->stream);
}

bool content_unpacker::feed(std::string_view bytes, const taker& take) {
  auto& in = *inside_;
  if (in.broken) return false;
  constexpr int gzip_frame = 15 + 16, zlib_frame = 15, no_frame = -15;
  if (!in.begun && in.coding == content_coding::gzip && !in.open(gzip_frame)) return false;
  if (!in.begun) {
    const auto missing = std::min(2 - in.first.size(), bytes.size());
    in.first += bytes.substr(0, missing);
    bytes.remove_prefix(missing);
    if (in.first.size() < 2) return true;
    // RFC 1950, section 2.2: the method is 8, and both bytes together are a multiple of 31.
    const auto high = static_cast<unsigned char>(in.first[0]);
    const auto low = static_cast<unsigned char>(in.first[1]);
    const bool framed = (high & 0x0fU) == 8 && (high * 256U + low) % 31 == 0;
    if (!in.open(framed ? zlib_frame : no_frame)) return false;
    if (!in.inflate_all(in.first, take)) return !(in.broken = true);
  }
  if (!in.inflate_all(bytes, take)) in.broken = true;
  return !in.broken;
}

bool content_unpacker::whole() const { return inside_->ended && !inside_->broken; }

}  // namespace greenroom::machine
