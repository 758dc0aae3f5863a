// Formats numbers within sentences, like printf.
#pragma once

#include <string>

namespace greenroom::runtime::rollout {

/// At most 255 bytes; longer text is truncated.
std::string text_of(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace greenroom::runtime::rollout
