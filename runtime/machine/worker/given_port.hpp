// The port and the identity that a started HTTP server is given.
#pragma once

#include "config/specialist.hpp"

#include <cstdint>
#include <string>

namespace greenroom::machine {

/// True if a setting contains `${PORT}`.
[[nodiscard]] bool wants_a_port(const config::backend& one);

/// Replaces each `${PORT}` with the number, and sets PORT unless the config sets it.
void fill_in(config::backend& one, std::uint16_t port);

/// A random id, unique among all starts of all workers, also in other nodes.
[[nodiscard]] std::string fresh_instance();

}  // namespace greenroom::machine
