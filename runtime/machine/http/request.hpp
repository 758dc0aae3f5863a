// A client's request as a handler sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine::http {

enum class method : std::uint8_t { get, head, post, put, delete_, patch, options, other };
[[nodiscard]] std::string_view to_string(method value);

/// A client's request, while the handler runs. Views are valid as long as the `responder` of the
/// same call, or a copy of it, exists.
class request {
public:
  explicit request(void* inside) : inside_{inside} {}

  [[nodiscard]] method verb() const;
  [[nodiscard]] std::string_view method_name() const;  ///< As received, `PROPFIND`.
  [[nodiscard]] std::string_view path() const;         ///< As received, still percent-encoded.
  [[nodiscard]] std::string_view query() const;        ///< The text after the `?`, or empty.
  /// The first header field with that name, case ignored.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// The fields that tell the request's origin, collected in one pass.
  struct provenance {
    std::optional<std::string_view> host;  ///< From an absolute target, which takes precedence over
                                           ///< the field.
    std::optional<std::string_view> origin, fetch_site, content_type;  ///< The first of each.
    bool repeated = false;  ///< One of these three fields occurs twice.
  };
  [[nodiscard]] provenance from() const;
  [[nodiscard]] std::string_view body() const;
  /// Moves the body out; afterwards `body` is empty.
  [[nodiscard]] std::string take_body();
  /// Frees header fields and body: a request lives until it is answered, which may take long.
  void release();
  /// Approximate memory of the request line and the header fields.
  [[nodiscard]] std::size_t head_bytes() const;

private:
  void* inside_;
};

}  // namespace greenroom::machine::http
