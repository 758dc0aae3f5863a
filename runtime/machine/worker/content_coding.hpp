// What an answer's body was packed in: Content-Encoding (RFC 9110, section 8.4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::machine {

enum class content_coding : std::uint8_t { identity, gzip, deflate, unknown };

/// Of a `Content-Encoding` field. Several codings one over another are unknown.
[[nodiscard]] content_coding coding_in(std::string_view field);

/// Unpacks gzip (several members too) and deflate (with zlib's frame, and without it as some
/// servers send it) piece by piece. What comes out is handed on 16 KiB at a time, so that a small
/// body that unpacks to a huge one is stopped by whoever takes it.
class content_unpacker {
public:
  using taker = std::function<bool(std::string_view)>;  ///< False: enough.
  explicit content_unpacker(content_coding coding);
  ~content_unpacker();
  content_unpacker(const content_unpacker&) = delete;
  content_unpacker& operator=(const content_unpacker&) = delete;

  /// False when the bytes are not in the coding.
  [[nodiscard]] bool feed(std::string_view bytes, const taker& take);
  /// The body has ended where the coding ends.
  [[nodiscard]] bool whole() const;

private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

}  // namespace greenroom::machine
