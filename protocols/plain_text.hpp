// Makes foreign text (from workers, callers, operators) safe for a log line or a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// The treatment of line feeds and tabs.
enum class line_ends : bool { escape, keep };

/// Returns `text` without anything that a terminal or a log reader would interpret: control
/// characters (C0, DEL, C1), line and paragraph separators and direction marks become `\u001b` and
/// the like, invalid UTF-8 becomes U+FFFD. The escapes are JSON's, so JSON text stays JSON text.
/// Source of the list of direction marks: Unicode TR 36, and "Trojan Source" (CVE-2021-42574).
[[nodiscard]] std::string plain_text(std::string_view text, line_ends ends = line_ends::escape);

/// True when `plain_text` would return the text unchanged.
[[nodiscard]] bool is_plain_text(std::string_view text, line_ends ends = line_ends::escape);

/// The longest beginning of at most `most` bytes that does not end within a letter of UTF-8.
[[nodiscard]] std::string_view whole_letters(std::string_view text, std::size_t most);

/// The beginning of a text for people, whole letters only, with how long it was; the text itself
/// when it is not longer than `most` bytes.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t most);

}  // namespace greenroom::protocols
