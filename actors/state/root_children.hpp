// The actors directly below the root, by the number under which messages name them.
#pragma once

#include <cstdint>

namespace greenroom::actors {

struct root_children {
  enum child : std::uint32_t {
    keeper,
    dispatcher_child,
    survey,
    intelligent,
    baseline,
    watching,    ///< The monitor.
    rolling,     ///< The rollout.
    undoing,     ///< The rollback.
    foreseeing,  ///< The predictor.
    children
  };
};

}  // namespace greenroom::actors
