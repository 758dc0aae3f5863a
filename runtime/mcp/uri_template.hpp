// Whether a URI may come from a template (RFC 6570).
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace greenroom::runtime::mcp {

/// What the comparisons of one URI with templates may cost together, in letters of the URI that are
/// compared with a part of a template: some milliseconds. A URI of 100 letters and a template of
/// six parts cost about 700, so thousands of such templates can be compared.
inline constexpr std::size_t match_steps_max = std::size_t{4} << 20;

/// Compares one URI with many templates. Servers write the templates and clients the URIs, so there
/// is a bound on the work of all comparisons together.
class uri_matcher {
public:
  /// The URI must outlive this object.
  explicit uri_matcher(std::string_view uri, std::size_t steps_max = match_steps_max)
      : uri_{uri}, steps_left_{steps_max} {}

  /// True if values for the expressions may exist that make the URI of the template. `{x}` is one
  /// or more characters without a slash; expressions with an operator or a modifier (`{+x}`,
  /// `{/x*}`,
  /// `{?x,y}`) are any characters, none included. Values are not compared with their variables, so
  /// the answer may be true for too many. False for a template with an unclosed brace, for texts
  /// beyond 1 KiB (the template) or 8 KiB, and from the time on when `has_given_up`.
  [[nodiscard]] bool may_match(std::string_view uri_template);

  /// The steps are used up: nothing is known of the template that was compared last, and every
  /// further answer is false.
  [[nodiscard]] bool has_given_up() const { return given_up_; }

private:
  [[nodiscard]] bool pay(std::size_t steps);
  [[nodiscard]] bool match_literal(std::string_view uri, std::string_view literal);
  void match_expression(std::string_view uri, bool simple);

  std::string_view uri_;
  std::size_t steps_left_;
  bool given_up_ = false;
  std::vector<char> reached_;  // reached_[i]: a match may be behind the first i characters.
};

}  // namespace greenroom::runtime::mcp
