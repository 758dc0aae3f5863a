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

// Whole or not at all: beside the old file, to the disk, then in its place.
std::optional<std::string> write_whole(const std::string& path, std::string_view text) {
  const auto failed = [&](const char* what) {
    return std::optional<std::string>{"cannot " + std::string{what} + " " + path + ": "
                                      + std::strerror(errno)};
  };
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
  const int place = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place >= 0) {
    static_cast<void>(::fsync(place));
    ::close(place);
  }
  return std::nullopt;
}

}  // namespace

std::string_view learned_state::name_of(part which) {
  return which == part::predictor ? "predictor" : "policy";
}

std::string learned_state::path_of(std::size_t which) const {
  return directory_ + "/" + std::string{name_of(static_cast<part>(which))} + ".state";
}

std::optional<std::string> learned_state::open(const std::string& directory) {
  std::error_code why;
  std::filesystem::create_directories(directory, why);
  if (why) return "cannot make " + directory + ": " + why.message();
  const std::lock_guard lock{mutex_};
  directory_ = directory;
  for (std::size_t i = 0; i < parts; ++i) {
    std::ifstream file{path_of(i), std::ios::binary};
    if (!file) continue;
    texts_[i].assign(std::istreambuf_iterator<char>{file}, {});
    changed_[i] = false;
  }
  return std::nullopt;
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

std::optional<std::string> learned_state::write() {
  const std::lock_guard one_writer{writing_};
  std::optional<std::string> trouble;
  for (std::size_t i = 0; i < parts; ++i) {
    std::string text;
    std::string path;
    {
      const std::lock_guard lock{mutex_};
      if (directory_.empty() || !std::exchange(changed_[i], false)) continue;
      text = texts_[i];
      path = path_of(i);
    }
    if (auto why = write_whole(path, text)) {
      trouble = std::move(why);
      const std::lock_guard lock{mutex_};
      changed_[i] = true;
    }
  }
  return trouble;
}

}  // namespace greenroom::actors
