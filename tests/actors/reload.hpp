// Reloads in the tests of actors.
#pragma once

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace greenroom::tests {

using protocols::pool_kind;

inline void reload(stage& node, config::node next) {
  auto cast = actors::make_catalog(std::move(next), &node.shared->catalogs.now());
  ASSERT_TRUE(node.shared->replace_catalog(std::move(cast)));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
}

inline config::node with_argument(config::node config, const std::string& argument,
                                  std::size_t department = 0, std::size_t specialist = 0) {
  config.departments[department].specialists[specialist].backend.command = {"puppet", argument};
  return config;
}

inline bool runs_old(stage& node, std::uint32_t who, pool_kind pool = pool_kind::intelligent) {
  const auto runs = node.shared->pools.of(pool).specialists[who].definition.load();
  return runs != 0 && runs != node.shared->catalogs.now().definitions[who];
}

inline void make_warm(stage& node, const std::string& name) {
  node.ask(name);
  node.world.dispatch();
  node.get_ready(name);
  node.finish_one(name);
}

/// A reload that no actor knows of yet.
inline void replace_quietly(stage& node, const config::node& next) {
  ASSERT_TRUE(node.shared->replace_catalog(actors::make_catalog(
      next, &node.shared->catalogs.now(), node.is_inline, node.shared->vacant())));
}

}  // namespace greenroom::tests
