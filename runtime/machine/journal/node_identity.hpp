// Who a node is: a small file in its data directory.
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace greenroom::machine {

/// The file `node.json`. Two nodes never have the same one, unless a directory was copied: then it
/// says where it was made, and the copy becomes somebody else.
struct node_identity {
  std::string node;       ///< 32 hexadecimal digits.
  std::string journal;    ///< Of the journal beside it; a file with another one is not this node's.
  std::string directory;  ///< Where it was written, whole.
  std::string host;       ///< This machine, as systemd names it (machine-id), or its name.
  std::string place;      ///< The directory's device and number (inode) there.
};

/// Nothing when there is none, or none that can be read.
[[nodiscard]] std::optional<node_identity> read_node_identity(const std::string& data_dir);

struct taken_identity {
  std::string node;
  std::string copied_from;  ///< The directory that this one is a copy of; mostly empty.
};
/// Makes the identity, or writes anew what has changed of it. A string says what is wrong.
[[nodiscard]] std::variant<taken_identity, std::string> take_node_identity(
    const std::string& data_dir, std::optional<node_identity> known, const std::string& journal);

/// Writes the file whole or not at all. Returns what is wrong, or "".
[[nodiscard]] std::string write_node_identity(const std::string& data_dir,
                                              const node_identity& identity);

}  // namespace greenroom::machine
