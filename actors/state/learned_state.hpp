// What was learnt, kept beyond the life of an actor and of a node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::actors {

/// The latest saved state of each part that learns, in memory and, with a directory, in a file
/// each. The texts carry their own version and checksum; nobody here looks inside. From any
/// thread.
class learned_state {
public:
  enum class part : std::uint8_t { predictor, policy };
  static constexpr std::size_t parts = 2;

  /// Reads what is in `directory`, which is made when it is missing. Before the actors start.
  /// Returns what is wrong with it; then nothing is read and nothing will be written.
  std::optional<std::string> open(const std::string& directory);

  /// Empty: nothing was learnt yet.
  [[nodiscard]] std::string latest(part which) const;
  void keep(part which, std::string text);
  /// What cannot be read is forgotten, and its file renamed to `*.damaged`. Returns that name,
  /// empty without a file.
  std::string set_aside(part which);
  /// Writes what has changed, each file whole or not at all. Blocks. Returns why it could not.
  std::optional<std::string> write();

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
