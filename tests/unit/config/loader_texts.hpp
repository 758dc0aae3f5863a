// Texts of configurations for the tests of the loader, and the results of loading them.
#pragma once

#include "config/loader.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::config {

/// Two departments, to which each test adds one mistake. The first line of `extra` is line 13.
inline std::string with(const std::string& extra) {
  return "version: 1\n"                              // 1
         "departments:\n"                            // 2
         "  - name: BACKEND\n"                       // 3
         "    specialists:\n"                        // 4
         "      - name: api-architect\n"             // 5
         "        backend: { command: [worker] }\n"  // 6
         "      - name: database-designer\n"         // 7
         "        backend: { command: [worker] }\n"  // 8
         "  - name: FRONTEND\n"                      // 9
         "    specialists:\n"                        // 10
         "      - name: react-specialist\n"          // 11
         "        backend: { kind: function }\n"
         +  // 12
         extra;
}

/// One specialist, whose keys begin on line 5, beside another.
inline std::string specialist_with(const std::string& keys) {
  return "departments:\n  - name: A\n    specialists:\n      - name: one\n" + keys
         + "      - { name: other, aliases: [second], backend: { kind: function } }\n";
}

inline std::vector<problem> problems_of(const std::string& text, const load_options& options = {}) {
  return problems_in(load_text(text, "node.yaml", options));
}

/// The only problem of that text.
inline problem problem_of(const std::string& text, const load_options& options = {}) {
  const auto all = problems_of(text, options);
  if (all.size() != 1) {
    for (const auto& each : all) ADD_FAILURE() << to_string(each);
    ADD_FAILURE() << all.size() << " problems in\n" << text;
    return {};
  }
  return all.front();
}

inline node loaded(const std::string& text, const load_options& options = {}) {
  return node_in(load_text(text, "node.yaml", options));
}

}  // namespace greenroom::config
