// The small JSON bodies of operators' requests: an object with text and boolean members.
#pragma once

#include "actors/doors/answers.hpp"
#include "actors/doors/route_call.hpp"
#include "protocols/base/expected.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace greenroom::doors {

/// The body as an object; an empty body is an empty object.
[[nodiscard]] base::expected<nlohmann::json, rejection> object_in_body(const route_call& call);

/// The text of a member, at most 2000 bytes; a missing member is an empty text.
[[nodiscard]] base::expected<std::string, rejection> text_in(const nlohmann::json& body,
                                                             const char* name);

[[nodiscard]] base::expected<bool, rejection> flag_in(const nlohmann::json& body, const char* name,
                                                      bool otherwise);

}  // namespace greenroom::doors
