#include "config/file_text.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <system_error>
#include <utility>

namespace greenroom::config {

namespace {

// A larger file is no configuration, but a device or a log.
constexpr std::uintmax_t file_bytes_max = std::uintmax_t{64} << 20;

base::problem unreadable(std::string text) { return {"file", std::move(text)}; }

}  // namespace

base::expected<std::string> read_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) return unreadable("no such file");
  if (std::filesystem::is_directory(status)) return unreadable("is a folder");
  std::ifstream stream{file, std::ios::binary};
  if (!stream) return unreadable("cannot be opened");
  std::string text;
  char block[1 << 16];
  while (stream.read(block, sizeof block) || stream.gcount() > 0) {
    text.append(block, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > file_bytes_max) return unreadable("is larger than 64 MiB");
  }
  return text;
}

}  // namespace greenroom::config
