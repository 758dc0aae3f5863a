#include "runtime/rollout/formatted.hpp"

#include <cstdarg>
#include <cstdio>

namespace greenroom::runtime::rollout {

std::string text_of(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

}  // namespace greenroom::runtime::rollout
