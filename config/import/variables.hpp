// Variables in the texts of other programs' configurations.
#pragma once

#include "config/import/imported.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// Whether it can be the name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`.
[[nodiscard]] bool is_variable(std::string_view name);

/// The text as it must stand in Greenroom's YAML, where `${NAME}` is a variable of the node's
/// environment. What a program alone knows (the folder that is open in an editor, a text that it
/// asks the user for) becomes a variable or a literal, and a note.
[[nodiscard]] std::string translated(std::string_view text, import_source from,
                                     std::vector<std::string>& notes);

/// Replaces each `${NAME}` by what `meaning` returns; nothing: it stays as it is.
[[nodiscard]] std::string replaced(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view name)>& meaning);

/// Cuts a command line into words as a shell does: quotes, backslashes; a line that begins with `#`
/// is a comment. Nothing: a quote is not closed.
[[nodiscard]] std::optional<std::vector<std::string>> shell_words(std::string_view line);

}  // namespace greenroom::config
