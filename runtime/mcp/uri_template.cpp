#include "runtime/mcp/uri_template.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime::mcp {
namespace {

constexpr std::size_t template_bytes_max = 1024;
constexpr std::size_t uri_bytes_max = 8192;

bool is_simple(std::string_view expression) {
  return !expression.empty() && expression.find_first_of("+#./;?&*:,") == std::string_view::npos;
}

/// Where a match may be after an expression; `reached[i]`: behind the first i characters.
void expand(std::vector<bool>& reached, std::string_view uri, bool simple) {
  bool open = false;
  for (std::size_t i = 0; i <= uri.size(); ++i) {
    const bool was = reached[i];
    if (simple) {
      reached[i] = open;
      open = (open || was) && i < uri.size() && uri[i] != '/';
    } else {
      open = open || was;
      reached[i] = open;
    }
  }
}

void step(std::vector<bool>& reached, std::string_view uri, char literal) {
  for (std::size_t i = uri.size(); i > 0; --i) reached[i] = reached[i - 1] && uri[i - 1] == literal;
  reached[0] = false;
}

}  // namespace

bool may_match(std::string_view uri_template, std::string_view uri) {
  if (uri_template.size() > template_bytes_max || uri.size() > uri_bytes_max) return false;
  // Most templates differ before their first expression.
  const auto literal = uri_template.substr(0, uri_template.find('{'));
  if (!uri.starts_with(literal)) return false;
  uri_template.remove_prefix(literal.size());
  uri.remove_prefix(literal.size());
  std::vector<bool> reached(uri.size() + 1, false);
  reached[0] = true;
  for (std::size_t at = 0; at < uri_template.size(); ++at) {
    if (uri_template[at] != '{') {
      step(reached, uri, uri_template[at]);
      continue;
    }
    const auto end = uri_template.find('}', at);
    if (end == std::string_view::npos) return false;
    expand(reached, uri, is_simple(uri_template.substr(at + 1, end - at - 1)));
    at = end;
  }
  return reached[uri.size()];
}

}  // namespace greenroom::runtime::mcp
