// A temporary folder for what a verb writes while it runs: a node's journal, a recording.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <cstdlib>

namespace greenroom::apps {

/// Made in the system's temporary directory; the destructor removes the folder with its content.
class scratch_folder {
public:
  explicit scratch_folder(std::string_view name) {
    std::error_code none;
    const auto place = std::filesystem::temp_directory_path(none);
    auto pattern = (place / (std::string{name} + "-XXXXXX")).string();
    if (!none && ::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~scratch_folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  /// Empty when the folder could not be made.
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace greenroom::apps
