#include "runtime/machine/http/request.hpp"

#include "runtime/machine/http/exchange.hpp"
#include "runtime/machine/http/response_head.hpp"

#include <array>
#include <utility>

namespace greenroom::machine::http {

std::string_view to_string(method value) {
  constexpr std::array<std::string_view, 8> names{"GET",    "HEAD",  "POST",    "PUT",
                                                  "DELETE", "PATCH", "OPTIONS", "OTHER"};
  return names[static_cast<std::size_t>(value)];
}

method request::verb() const {
  const auto verb = of(inside_).header().method();
  if (verb == restinio::http_method_get()) return method::get;
  if (verb == restinio::http_method_post()) return method::post;
  if (verb == restinio::http_method_head()) return method::head;
  if (verb == restinio::http_method_put()) return method::put;
  if (verb == restinio::http_method_delete()) return method::delete_;
  if (verb == restinio::http_method_patch()) return method::patch;
  if (verb == restinio::http_method_options()) return method::options;
  return method::other;
}

std::string_view request::method_name() const { return of(inside_).header().method().c_str(); }

std::string_view request::path() const {
  std::string_view target = of(inside_).header().request_target();
  // The absolute form is meant for proxies, but every server must accept it.
  if (!target.starts_with('/')) {
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos) {
      const auto slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
  }
  return target.substr(0, target.find_first_of("?#"));
}

std::string_view request::query() const {
  std::string_view target = of(inside_).header().request_target();
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

std::optional<std::string_view> request::header(std::string_view name) const {
  std::optional<std::string_view> found;
  of(inside_).header().for_each_field([&](const auto& field) {
    if (!found && equal_caseless(field.name(), name)) found = field.value();
  });
  return found;
}

request::provenance request::from() const {
  provenance result;
  const auto note = [&result](std::optional<std::string_view>& first, std::string_view value) {
    if (first)
      result.repeated = true;
    else
      first = value;
  };
  const auto& header = of(inside_).header();
  header.for_each_field([&](const auto& field) {
    constexpr std::string_view site = "Sec-Fetch-Site";
    switch (field.field_id()) {
      case restinio::http_field::host: result.host = field.value(); break;
      case restinio::http_field::origin: note(result.origin, field.value()); break;
      case restinio::http_field::content_type: note(result.content_type, field.value()); break;
      case restinio::http_field::field_unspecified:
        if (equal_caseless(field.name(), site)) note(result.fetch_site, field.value());
        break;
      default: break;
    }
  });
  // RFC 9112, section 3.2.2: a host in the target replaces the Host field.
  std::string_view target = header.request_target();
  if (const auto scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    result.host = target.substr(0, target.find_first_of("/?#"));
  }
  return result;
}

std::string_view request::body() const { return of(inside_).body(); }

std::string request::take_body() {
  // The request object is not const; only RESTinio's accessor is.
  return std::move(const_cast<std::string&>(of(inside_).body()));
}

void request::release() {
  // As in `take_body`. RESTinio has already read the fields; method and version stay.
  auto& asked = of(inside_);
  std::string{}.swap(const_cast<std::string&>(asked.body()));
  constexpr std::size_t few = 4096;
  if (head_bytes() <= few) return;
  auto& fields = static_cast<restinio::http_header_fields_t&>(
      const_cast<restinio::http_request_header_t&>(asked.header()));
  fields = restinio::http_header_fields_t{};
}

std::size_t request::head_bytes() const {
  const auto& header = of(inside_).header();
  // Each field is two strings and a list entry.
  constexpr std::size_t overhead = 96;
  auto bytes = sizeof(incoming) + header.request_target().size();
  header.for_each_field(
      [&](const auto& field) { bytes += field.name().size() + field.value().size() + overhead; });
  return bytes;
}

}  // namespace greenroom::machine::http
