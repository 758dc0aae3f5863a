// The form of texts that are more than text: addresses, URLs, hosts, origins.
#pragma once

#include "config/rule.hpp"
#include "protocols/base/expected.hpp"

#include <string>
#include <string_view>

namespace greenroom::config {

/// Why a text is not of a form.
struct misfit {
  std::string message;
  std::string suggestion;  ///< A text of the form that was probably meant; may be empty.
};

/// `described` is the text as messages show it, in quotes and cut when it is long.
base::expected<void, misfit> check_form(const std::string& text, rule::form form,
                                        const std::string& described);

/// True for a name or an address without a port, as in `access.hosts`. An IPv6 address may have
/// brackets.
bool is_host(std::string_view text);
/// True for exactly SCHEME://HOST[:PORT].
bool is_origin(std::string_view text);

}  // namespace greenroom::config
