#include "config/text_form.hpp"

#include "config/node.hpp"
#include "protocols/base/authority.hpp"
#include "protocols/base/http_url.hpp"

namespace greenroom::config {

namespace {

misfit wrong_url(const std::string& text, const std::string& described, const std::string& why) {
  const bool bare = text.find("://") == std::string::npos;
  return {"expected an http URL, found " + described + ", which " + why,
          bare && base::is_http_url("http://" + text) ? "http://" + text : std::string{}};
}

misfit wrong_host(const std::string& text, const std::string& described) {
  const auto host = text.substr(0, text.rfind(':'));
  return {
      "expected a name or an address without scheme and port (ports are not compared), such as "
      "greenroom.example.com, found "
          + described,
      is_host(host) ? host : std::string{}};
}

misfit wrong_origin(const std::string& text, const std::string& described) {
  auto cut = text;
  while (cut.ends_with('/')) cut.pop_back();
  return {
      "expected SCHEME://HOST[:PORT] as a browser sends it, such as https://app.example.com, found "
          + described,
      is_origin(cut)                ? cut
      : is_origin("https://" + cut) ? "https://" + cut
                                    : std::string{}};
}

}  // namespace

bool is_host(std::string_view text) {
  if (base::parse_ip_address(text)) return true;
  const bool has_port = !text.ends_with(']') && text.find(':') != std::string_view::npos;
  return !has_port && base::parse_authority(text).has_value();
}

bool is_origin(std::string_view text) {
  return !text.ends_with(':') && base::parse_origin(text).has_value();
}

base::expected<void, misfit> check_form(const std::string& text, rule::form form,
                                        const std::string& described) {
  switch (form) {
    case rule::form::any: break;
    case rule::form::endpoint:
      if (!parse_endpoint(text))
        return misfit{"expected ADDR:PORT such as 127.0.0.1:7117, found " + described, {}};
      break;
    case rule::form::http_url:
      if (const auto url = base::parse_http_url(text); !url)
        return wrong_url(text, described, url.error().text);
      break;
    case rule::form::url_path:
      if (const auto path = base::check_url_path(text); !path)
        return misfit{path.error().text + ", found " + described,
                      base::check_url_path('/' + text) ? '/' + text : std::string{}};
      break;
    case rule::form::host:
      if (!is_host(text)) return wrong_host(text, described);
      break;
    case rule::form::origin:
      if (!is_origin(text)) return wrong_origin(text, described);
      break;
  }
  return {};
}

}  // namespace greenroom::config
