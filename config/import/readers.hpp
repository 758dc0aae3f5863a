// One reader for each kind of file; `import_text` chooses.
#pragma once

#include "config/import/imported.hpp"
#include "config/tree.hpp"

namespace greenroom::config {

/// The servers of an MCP client. @pre `from` is not llama_swap
[[nodiscard]] base::expected<imported, base::problem> read_mcp_client(const tree& file,
                                                                      import_source from);

/// The models of llama-swap.
[[nodiscard]] base::expected<imported, base::problem> read_llama_swap(const tree& file);

/// Sets a variable of the program's environment. The last value of a name counts, as it does for
/// the programs themselves, and a note says so.
void set_env(imported_specialist& one, std::string name, std::string value);
/// The same for a header, where upper and lower case are the same.
void set_header(imported_specialist& one, std::string name, std::string value);

/// The text of a scalar under `key`; empty: there is none.
[[nodiscard]] std::string_view text_under(const tree& map, std::string_view key);
/// The texts of a list under `key`.
[[nodiscard]] std::vector<std::string> texts_under(const tree& map, std::string_view key);
/// The number under `key`; 0: there is none.
[[nodiscard]] double number_under(const tree& map, std::string_view key);

/// A name that Greenroom's configuration takes, which has letters, digits and `_-.:@+/`.
[[nodiscard]] std::string valid_name(std::string_view name);

}  // namespace greenroom::config
