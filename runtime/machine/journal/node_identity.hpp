// The node's identity: a small file in the data directory.
#pragma once

#include "protocols/base/expected.hpp"

#include <string>

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

/// A problem when the file is missing or unreadable.
base::expected<node_identity> read_node_identity(const std::string& data_dir);

struct taken_identity {
  std::string node;
  std::string copied_from;  ///< The directory from which this directory was copied; usually empty.
};
/// Creates the identity, or updates changed fields. `known`: what `read_node_identity` returned.
base::expected<taken_identity> take_node_identity(const std::string& data_dir,
                                                  const base::expected<node_identity>& known,
                                                  const std::string& journal);

/// Writes the file atomically.
base::expected<void> write_node_identity(const std::string& data_dir,
                                         const node_identity& identity);

}  // namespace greenroom::machine
