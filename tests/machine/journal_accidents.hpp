// Nodes that die without closing the journal, and bytes of files, for the tests of the journal.
#pragma once

#include "tests/machine/journal_scratch.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

namespace greenroom::machine::testing {

/// Runs `work` in a process that then dies without closing anything.
inline void die_after(const std::function<void()>& work) {
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
}

/// A node that accepts `count` tasks, ends every second one, and dies.
inline void live_and_die(const std::string& path, std::uint64_t count, std::uint64_t first = 0) {
  die_after([&] {
    // Not closed: the process ends before.
    auto* journal = open_journal(path).release();
    for (auto i = first; i < first + count; ++i) {
      commit(*journal, {accepted(i)});
      if (i % 2 == 0) commit(*journal, {ended(i)});
    }
  });
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

/// The journal's content as text, for comparisons.
inline std::string content_of(const std::string& path) {
  std::string text;
  const auto reader = open_reader(path);
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto found = value_of(reader->find(id_of(i)));
    text += !found                     ? "-"
            : found->ended.has_value() ? "e" + found->ended->output
                                       : "a" + found->accepted.input;
  }
  return text;
}

}  // namespace greenroom::machine::testing
