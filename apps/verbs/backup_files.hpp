// The files of a backup: the manifest that lists them, and the check of each file.
#pragma once

#include "protocols/base/expected.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace greenroom::apps {

inline constexpr const char* manifest_name = "manifest.json";

struct listed_file {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct backup_manifest {
  std::string node, journal, made_at;
  std::uint64_t tasks = 0, ends = 0;
  std::vector<listed_file> files;
};

/// Reads a manifest. Refuses other versions, and names of files outside the backup's folder.
base::expected<backup_manifest> read_manifest(const nlohmann::json& from);

/// Compares the file's size and checksum with the manifest.
base::expected<void> check_file(const std::filesystem::path& folder, const listed_file& one);

}  // namespace greenroom::apps
