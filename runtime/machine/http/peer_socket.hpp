// Is the other end of a connection still there, when it has ended its sending side?
#pragma once

#include <cstdint>

namespace greenroom::machine::http {

enum class peer_state : std::uint8_t {
  there,    ///< A process of this machine has it open.
  gone,     ///< No process has: it was closed, not only shut down.
  unknown,  ///< It is on another machine, or the kernel does not tell.
};

/// Asks the kernel (sock_diag) about the other socket of a connected TCP socket. Takes some 20 us.
[[nodiscard]] peer_state peer_of(int socket);

}  // namespace greenroom::machine::http
