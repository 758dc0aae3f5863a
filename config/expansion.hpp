// Environment variables in an operator's texts.
#pragma once

#include "protocols/base/expected.hpp"

#include <map>
#include <string>
#include <string_view>

namespace greenroom::config {

/// Replaces `${NAME}` and `${NAME:-default}` by values of the environment, and `$$` by one `$`.
/// With `keeps_port`, `${PORT}` stays as it is. The problem's text says which variable is missing
/// or what is malformed.
base::expected<std::string> expand(std::string_view text,
                                   const std::map<std::string, std::string>& environment,
                                   bool keeps_port);

}  // namespace greenroom::config
