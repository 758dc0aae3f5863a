#include "runtime/machine/process/proc_text.hpp"

#include "runtime/machine/process/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace greenroom::machine {

std::string proc_text(const std::string& path, std::size_t bytes_max) {
  std::string result;
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::array<char, 16384> room;
  while (file && result.size() < bytes_max) {
    const auto count =
        ::read(file.number(), room.data(), std::min(room.size(), bytes_max - result.size()));
    if (count <= 0) break;
    result.append(room.data(), static_cast<std::size_t>(count));
  }
  return result;
}

std::string variable_in(std::string_view environment, std::string_view variable) {
  while (!environment.empty()) {
    const auto end = std::min(environment.find('\0'), environment.size());
    const auto entry = environment.substr(0, end);
    if (entry.starts_with(variable) && entry.substr(variable.size()).starts_with('='))
      return std::string{entry.substr(variable.size() + 1)};
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return {};
}

}  // namespace greenroom::machine
