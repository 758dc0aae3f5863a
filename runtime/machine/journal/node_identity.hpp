// The node's identity: a small file in the data directory.
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace greenroom::machine {

/// The file `node.json`. Two nodes never share an identity, unless a directory was copied: the file
/// names the original directory, so that the copy takes a new identity.
struct node_identity {
  std::string node;       ///< 32 hexadecimal digits.
  std::string journal;    ///< The identity of this node's journal; any other journal is refused.
  std::string directory;  ///< The absolute path at which the file was written.
  std::string host;       ///< This machine's machine-id (systemd), or else the host name.
  std::string place;      ///< The directory's device and inode.
};

/// Returns nothing when the file is missing or unreadable.
[[nodiscard]] std::optional<node_identity> read_node_identity(const std::string& data_dir);

struct taken_identity {
  std::string node;
  std::string copied_from;  ///< The directory from which this directory was copied; usually empty.
};
/// Creates the identity, or updates changed fields. A string is an error message.
[[nodiscard]] std::variant<taken_identity, std::string> take_node_identity(
    const std::string& data_dir, std::optional<node_identity> known, const std::string& journal);

/// Writes the file atomically. Returns an error message, or "".
[[nodiscard]] std::string write_node_identity(const std::string& data_dir,
                                              const node_identity& identity);

}  // namespace greenroom::machine
