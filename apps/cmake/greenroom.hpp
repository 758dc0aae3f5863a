// Greenroom as a library: a node, its configuration, and tasks with futures or callbacks.
// <greenroom/caf_door.hpp> has the same for actors of a CAF system of your own.
#pragma once

#include "actors/node/node.hpp"
#include "config/loader.hpp"
#include "config/writer.hpp"
