// Numbers within sentences, by the formats of printf.
#pragma once

#include <string>

namespace greenroom::runtime::rollout {

/// Of at most 255 bytes; what is longer is cut.
std::string text_of(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace greenroom::runtime::rollout
