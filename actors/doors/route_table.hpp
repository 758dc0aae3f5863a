// The table of routes: from a request to its handler.
#pragma once

#include "actors/doors/door.hpp"

namespace greenroom::doors {

/// Checks the access rules and hands the request to its route; answers when there is none.
void dispatch(const door_ptr& door, machine::http::request& request,
              const machine::http::responder& reply);

}  // namespace greenroom::doors
