// The text of an operator's file.
#pragma once

#include "protocols/base/expected.hpp"

#include <filesystem>
#include <string>

namespace greenroom::config {

/// The problem's text continues a sentence that begins with the file: `no such file`, `is a
/// folder`.
base::expected<std::string> read_file(const std::filesystem::path& file);

}  // namespace greenroom::config
