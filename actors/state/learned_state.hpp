// Learned state, kept while actors and nodes are replaced.
#pragma once

#include "protocols/base/expected.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace greenroom::actors {

/// The latest saved state of each part that learns, in memory and, with a directory, in one file
/// for each part. The texts have their own version and checksum and are not parsed here. From any
/// thread.
class learned_state {
public:
  enum class part : std::uint8_t { predictor, policy };
  static constexpr std::size_t parts = 2;

  /// Reads the files of `directory`, which is created when it is missing. Call before the actors
  /// start. After a failure nothing is read, and nothing will be written.
  base::expected<void> open(const std::string& directory);

  /// Empty: nothing was learned yet.
  [[nodiscard]] std::string latest(part which) const;
  void keep(part which, std::string text);
  /// Drops a state that cannot be read, and renames the file to `*.damaged`. Returns the new name;
  /// empty without a file.
  std::string set_aside(part which);
  /// Writes the changed parts, each file whole or not at all. Blocks.
  base::expected<void> write();

  [[nodiscard]] static std::string_view name_of(part which);

private:
  [[nodiscard]] std::string path_of(std::size_t which) const;

  mutable std::mutex mutex_;
  std::mutex writing_;
  std::string directory_;
  std::array<std::string, parts> texts_;
  std::array<bool, parts> changed_{};
};

}  // namespace greenroom::actors
