// Greenroom as a library: a node, its configuration, and tasks with futures or callbacks.
#pragma once

#include "actors/node/node.hpp"
#include "config/loader.hpp"
