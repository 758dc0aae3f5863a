#include "actors/state/learned_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace greenroom::actors {

namespace {

base::problem cannot(std::string_view what, const std::string& path, const std::string& why) {
  return {"learned-state", "cannot " + std::string{what} + " " + path + ": " + why};
}

// Writes the text to a new file, flushes the file to the disk, and replaces the old file.
base::expected<void> write_whole(const std::string& path, std::string_view text) {
  const auto failed = [&](const char* what) { return cannot(what, path, std::strerror(errno)); };
  const auto fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed("create");
  while (!text.empty()) {
    const auto sent = ::write(file, text.data(), text.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) {
      auto why = failed("write");
      ::close(file);
      return why;
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  const bool safe = ::fsync(file) == 0;
  if (::close(file) != 0 || !safe) return failed("write");
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed("replace");
  // Without this a power cut may bring the old file back.
  const auto folder = std::filesystem::path{path}.parent_path();
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    static_cast<void>(::fsync(directory));
    ::close(directory);
  }
  return {};
}

}  // namespace

std::string_view learned_state::name_of(part which) {
  return which == part::predictor ? "predictor" : "policy";
}

std::string learned_state::path_of(std::size_t which) const {
  return directory_ + "/" + std::string{name_of(static_cast<part>(which))} + ".state";
}

base::expected<void> learned_state::open(const std::string& directory) {
  std::error_code why;
  std::filesystem::create_directories(directory, why);
  if (why) return cannot("make", directory, why.message());
  const std::lock_guard lock{mutex_};
  directory_ = directory;
  for (std::size_t i = 0; i < parts; ++i) {
    std::ifstream file{path_of(i), std::ios::binary};
    if (!file) continue;
    texts_[i].assign(std::istreambuf_iterator<char>{file}, {});
    changed_[i] = false;
  }
  return {};
}

std::string learned_state::latest(part which) const {
  const std::lock_guard lock{mutex_};
  return texts_[static_cast<std::size_t>(which)];
}

void learned_state::keep(part which, std::string text) {
  const std::lock_guard lock{mutex_};
  const auto at = static_cast<std::size_t>(which);
  changed_[at] = changed_[at] || texts_[at] != text;
  texts_[at] = std::move(text);
}

std::string learned_state::set_aside(part which) {
  const std::lock_guard lock{mutex_};
  const auto at = static_cast<std::size_t>(which);
  texts_[at].clear();
  changed_[at] = false;
  if (directory_.empty()) return {};
  const auto path = path_of(at);
  auto aside = path + ".damaged";
  if (std::rename(path.c_str(), aside.c_str()) != 0) return {};
  return aside;
}

base::expected<void> learned_state::write() {
  const std::lock_guard one_writer{writing_};
  base::expected<void> result;
  for (std::size_t i = 0; i < parts; ++i) {
    std::string text;
    std::string path;
    {
      const std::lock_guard lock{mutex_};
      if (directory_.empty() || !std::exchange(changed_[i], false)) continue;
      text = texts_[i];
      path = path_of(i);
    }
    if (auto written = write_whole(path, text); !written) {
      result = std::move(written);
      const std::lock_guard lock{mutex_};
      changed_[i] = true;
    }
  }
  return result;
}

}  // namespace greenroom::actors
