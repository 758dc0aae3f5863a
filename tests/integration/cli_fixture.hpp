// A small cast, served from the test's folder.
#pragma once

#include "tests/integration/folder_fixture.hpp"

#include <string>

namespace greenroom::tests {

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

class cli_fixture : public folder_fixture {
protected:
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
};

}  // namespace greenroom::tests
