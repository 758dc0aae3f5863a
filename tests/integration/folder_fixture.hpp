// A folder for the files of one test, removed at its end.
#pragma once

#include "tests/integration/cli_program.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace greenroom::tests {

class folder_fixture : public ::testing::Test {
protected:
  ~folder_fixture() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  /// Writes a file and returns its path.
  std::string file(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
    return path(name);
  }

private:
  const std::filesystem::path folder_ = temporary_folder();
};

}  // namespace greenroom::tests
