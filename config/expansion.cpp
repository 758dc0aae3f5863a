#include "config/expansion.hpp"

#include "protocols/base/http_url.hpp"
#include "protocols/base/utf8.hpp"

#include <utility>

namespace greenroom::config {

namespace {

base::problem cannot_expand(std::string text) { return {"expansion", std::move(text)}; }

/// The value of what stands between `${` and `}`.
base::expected<std::string> variable_value(std::string_view inside,
                                           const std::map<std::string, std::string>& environment,
                                           bool keeps_port) {
  const auto dash = inside.find(":-");
  const std::string name{inside.substr(0, dash)};
  if (name == "PORT" && keeps_port) return std::string{base::port_mark};
  const auto variable = environment.find(name);
  if (variable != environment.end() && !variable->second.empty()) return variable->second;
  if (dash != std::string_view::npos) return std::string{inside.substr(dash + 2)};
  if (variable == environment.end())
    return cannot_expand("the environment variable " + name + " is not set");
  return std::string{};
}

}  // namespace

base::expected<std::string> expand(std::string_view text,
                                   const std::map<std::string, std::string>& environment,
                                   bool keeps_port) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$' || at + 1 == text.size()) {
      result += text[at];
    } else if (text[at + 1] == '$') {
      result += '$';
      ++at;
    } else if (text[at + 1] == '{') {
      const auto close = text.find('}', at);
      if (close == std::string_view::npos) return cannot_expand("${ without its }");
      const auto value =
          variable_value(text.substr(at + 2, close - at - 2), environment, keeps_port);
      if (!value) return value.error();
      result += *value;
      at = close;
    } else {
      result += '$';
    }
  }
  if (result.find('\0') != std::string::npos)
    return cannot_expand("a text cannot hold a zero byte");
  if (!base::is_utf8(result)) return cannot_expand("what the environment puts in is not UTF-8");
  return result;
}

}  // namespace greenroom::config
