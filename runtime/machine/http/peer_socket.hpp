// Tells whether the peer of a half-closed connection still exists.
#pragma once

#include <cstdint>

namespace greenroom::machine::http {

enum class peer_state : std::uint8_t {
  there,    ///< A process of this machine has the peer socket open.
  gone,     ///< No process has it open: the peer closed the socket, not only its sending side.
  unknown,  ///< The peer is on another machine, or the kernel does not tell.
};

/// Asks the kernel (sock_diag) about the peer of a connected TCP socket. Takes some 20 µs.
[[nodiscard]] peer_state peer_of(int socket);

}  // namespace greenroom::machine::http
