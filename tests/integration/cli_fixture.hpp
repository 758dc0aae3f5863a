// A folder for the files of one test of the program, and a small cast to serve from it.
#pragma once

#include "tests/integration/cli_program.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace greenroom::testing {

/// A JSON-lines worker that answers each task with the given Python expression over `m`.
inline std::string worker(const std::string& answer) {
  return "import json, sys\n"
         "print(json.dumps({'type': 'ready'}), flush=True)\n"
         "for line in sys.stdin:\n"
         "    m = json.loads(line)\n"
         "    if m['type'] == 'ping': print(json.dumps({'type': 'pong'}), flush=True)\n"
         "    if m['type'] == 'task': print(json.dumps(dict(id=m['id'], **"
         + answer + ")), flush=True)\n";
}

class cli_fixture : public ::testing::Test {
protected:
  void SetUp() override { folder_ = temporary_folder(); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
    return (folder_ / name).string();
  }

  /// Two specialists that need nothing but Python.
  std::string small_cast() {
    const auto echo = file("echo.py", worker("{'type': 'result', 'output': m['input']}"));
    const auto refuse =
        file("refuse.py", worker("{'type': 'error', 'message': 'not today', 'retryable': False}"));
    return "version: 1\n"
           "pool: { max_warm: 2, cooldown: 500ms, min_residency: 0s }\n"
           "departments:\n"
           "  - name: WORDS\n"
           "    specialists:\n"
           "      - name: echo\n"
           "        aliases: [repeat]\n"
           "        backend: { command: [python3, -S, " + echo + "] }\n"
           "      - name: refuse\n"
           "        backend: { command: [python3, -S, " + refuse + "] }\n"
           "workflows:\n"
           "  - { name: TWICE, steps: [echo, echo] }\n"
           "commands:\n"
           "  say: { specialist: echo }\n";
  }

private:
  std::filesystem::path folder_;
};

}  // namespace greenroom::testing
