// What another program's configuration becomes.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::config {

enum class import_source : std::uint8_t {
  claude_desktop,
  claude_code,
  cursor,
  vscode,
  codex,
  gemini,
  llama_swap,
};

/// The names of `greenroom import --from`.
[[nodiscard]] std::string_view to_string(import_source value);
[[nodiscard]] std::optional<import_source> import_source_of(std::string_view name);

using name_and_text = std::pair<std::string, std::string>;

/// Texts are as they stand in Greenroom's YAML: `${NAME}` is a variable and `$$` a dollar.
struct imported_specialist {
  enum class kind : std::uint8_t { mcp_process, mcp_remote, model_server };

  std::string name;
  kind is = kind::mcp_process;
  std::vector<std::string> aliases;
  std::vector<std::string> command;
  std::vector<name_and_text> env;  ///< Each name once.
  std::string cwd;
  std::string url;
  std::vector<name_and_text> headers;  ///< Each name once; upper and lower case are the same.
  std::string health;                  ///< Model servers only; empty: the default.
  bool any_listener = false;           ///< Another program holds the port: a container.
  std::uint32_t concurrency = 0;       ///< 0: the default.
  double start_timeout_s = 0;          ///< 0: the default.
  double task_timeout_s = 0;           ///< 0: the default.
  std::vector<std::string> notes;      ///< What could not be kept, and what to do about it.
};

struct imported {
  import_source from = import_source::claude_desktop;
  std::vector<imported_specialist> specialists;
  std::vector<std::string> notes;
};

/// Reads one file. `from` left out: found out by its shape. A problem when the text cannot be
/// parsed, has no servers in it, names a variable that cannot be one, or has a macro that expands
/// to too long a text.
[[nodiscard]] base::expected<imported, base::problem> import_text(
    std::string_view text, std::optional<import_source> from = std::nullopt);

/// One configuration of all files. A server that two files have in the same form is written once;
/// of two that differ the second one gets another name.
[[nodiscard]] std::string to_yaml(std::span<const imported> files);

}  // namespace greenroom::config
