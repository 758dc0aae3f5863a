#include "runtime/machine/journal/durable_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

namespace greenroom::machine {

namespace {

base::problem complaint(const std::string& path, const char* doing) {
  return {"file", path + ": cannot " + doing + ": " + std::strerror(errno)};
}

}  // namespace

base::expected<void> flush_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return complaint(path, "open the directory");
  base::expected<void> result;
  // Some file systems cannot flush a directory and return EINVAL, which no caller can fix.
  if (::fsync(fd) != 0 && errno != EINVAL) result = complaint(path, "flush the directory");
  ::close(fd);
  return result;
}

std::string parent_directory(const std::string& path) {
  auto parent = std::filesystem::path{path}.parent_path().string();
  return parent.empty() ? "." : parent;
}

namespace {

base::expected<void> create_directory(const std::string& path) {
  struct stat seen {};
  if (::stat(path.c_str(), &seen) == 0) {
    if (S_ISDIR(seen.st_mode)) return {};
    return base::problem{"file", path + ": is not a directory"};
  }
  const std::string parent = parent_directory(path);
  if (parent != path) {
    if (auto made = create_directory(parent); !made) return made;
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return complaint(path, "create the directory");
  return flush_directory(parent);
}

}  // namespace

std::optional<file_number> number_of_file(const std::string& path) {
  struct stat seen {};
  if (::stat(path.c_str(), &seen) != 0) return std::nullopt;
  return file_number{seen.st_dev, seen.st_ino, static_cast<std::uint64_t>(seen.st_size)};
}

base::expected<void> flush_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return complaint(path, "open the file");
  base::expected<void> result;
  if (::fsync(fd) != 0) result = complaint(path, "flush the file");
  ::close(fd);
  return result;
}

std::string time_for_names() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

base::expected<void> create_journal_directory(const std::string& path) {
  return create_directory(parent_directory(path));
}

base::expected<void> create_journal_file(const std::string& path) {
  const std::string directory = parent_directory(path);
  if (auto made = create_directory(directory); !made) return made;
  // SQLite gives the log and its index the permissions of the file, so the file comes first.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    if (errno == EEXIST) return {};
    return complaint(path, "create the file");
  }
  ::close(fd);
  return flush_directory(directory);
}

}  // namespace greenroom::machine
