// Decodes Content-Encoding (RFC 9110, section 8.4) of an answer's body.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::machine {

enum class content_coding : std::uint8_t { identity, gzip, deflate, unknown };

/// Parses a `Content-Encoding` field. Several stacked codings are `unknown`.
[[nodiscard]] content_coding coding_in(std::string_view field);

/// Unpacks gzip (also several members) and deflate (with zlib's header, or raw as some servers send
/// it) in pieces. Passes output on in pieces of 16 KiB, so that the taker can stop a small body
/// that unpacks to a huge one.
class content_unpacker {
public:
  using taker = std::function<bool(std::string_view)>;  ///< False: stop.
  explicit content_unpacker(content_coding coding);
  ~content_unpacker();
  content_unpacker(const content_unpacker&) = delete;
  content_unpacker& operator=(const content_unpacker&) = delete;

  /// False when the bytes are not valid in the coding.
  [[nodiscard]] bool feed(std::string_view bytes, const taker& take);
  /// True when the body ended at the end of the coding.
  [[nodiscard]] bool whole() const;

private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

}  // namespace greenroom::machine
