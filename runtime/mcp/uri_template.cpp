#include "runtime/mcp/uri_template.hpp"

#include <algorithm>

namespace greenroom::runtime::mcp {
namespace {

constexpr std::size_t template_bytes_max = 1024;
constexpr std::size_t uri_bytes_max = 8192;

bool is_simple(std::string_view expression) {
  return !expression.empty() && expression.find_first_of("+#./;?&*:,") == std::string_view::npos;
}

}  // namespace

bool uri_matcher::pay(std::size_t steps) {
  given_up_ = given_up_ || steps > steps_left_;
  if (!given_up_) steps_left_ -= steps;
  return !given_up_;
}

bool uri_matcher::match_literal(std::string_view uri, std::string_view literal) {
  // From the end, so that no place is reached twice by the same literal.
  for (std::size_t i = uri.size() + 1; i-- > 0;) {
    if (reached_[i] == 0) continue;
    reached_[i] = 0;
    if (uri.size() - i < literal.size() || uri[i] != literal.front()) continue;
    if (!pay(literal.size())) return false;
    if (uri.compare(i, literal.size(), literal) == 0) reached_[i + literal.size()] = 1;
  }
  return true;
}

void uri_matcher::match_expression(std::string_view uri, bool simple) {
  bool open = false;
  for (std::size_t i = 0; i <= uri.size(); ++i) {
    const bool was = reached_[i] != 0;
    if (!simple) open = open || was;
    reached_[i] = open ? 1 : 0;
    if (simple) open = (open || was) && i < uri.size() && uri[i] != '/';
  }
}

bool uri_matcher::may_match(std::string_view uri_template) {
  auto uri = uri_;
  if (uri_template.size() > template_bytes_max || uri.size() > uri_bytes_max || !pay(1))
    return false;
  // Most templates differ before their first expression.
  const auto begin = uri_template.substr(0, uri_template.find('{'));
  if (!uri.starts_with(begin)) return false;
  uri_template.remove_prefix(begin.size());
  uri.remove_prefix(begin.size());
  if (!pay(begin.size() + uri.size() + 1)) return false;
  reached_.assign(uri.size() + 1, 0);
  reached_[0] = 1;
  while (!uri_template.empty()) {
    if (!pay(uri.size() + 1)) return false;
    const bool is_expression = uri_template.front() == '{';
    auto end = uri_template.find(is_expression ? '}' : '{');
    if (is_expression && end == std::string_view::npos) return false;
    if (is_expression)
      match_expression(uri, is_simple(uri_template.substr(1, end++ - 1)));
    else if (!match_literal(uri, uri_template.substr(0, end)))
      return false;
    uri_template.remove_prefix(std::min(end, uri_template.size()));
  }
  return reached_[uri.size()] != 0;
}

}  // namespace greenroom::runtime::mcp
