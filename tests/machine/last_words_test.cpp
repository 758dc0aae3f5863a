// Which line of a failed start is told, with what programs really print.
#include "runtime/machine/process/last_words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace greenroom::machine::testing {
namespace {

std::string told(std::string_view text) {
  last_words words;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    words.add(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::string{words.told()};
}

TEST(LastWords, OfNodeAreTheErrorAndNotItsVersion) {
  EXPECT_EQ(told(R"(/srv/server.js:1
throw new Error("GITHUB_TOKEN is not set")
^

Error: GITHUB_TOKEN is not set
    at Object.<anonymous> (/srv/server.js:1:7)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at node:internal/main/run_main_module:28:49

Node.js v20.20.2
)"),
            "Error: GITHUB_TOKEN is not set");
  EXPECT_EQ(told(R"(node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module 'nope-nope'
Require stack:
- /srv/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/srv/server.js' ]
}

Node.js v20.20.2
)"),
            "Error: Cannot find module 'nope-nope'");
  EXPECT_EQ(
      told(R"(node:internal/modules/esm/resolve:873
  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
        ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nope' imported from /srv/server.mjs
    at packageResolve (node:internal/modules/esm/resolve:873:9) {
  code: 'ERR_MODULE_NOT_FOUND'
}

Node.js v20.20.2
)"),
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nope' imported from /srv/server.mjs");
}

TEST(LastWords, OfNpmAreTheSentenceAndNotItsLog) {
  EXPECT_EQ(told(R"(npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/nope - Not found
npm error 404
npm error 404  'nope@*' is not in this registry.
npm error 404
npm error 404 Note that you can also install from a
npm error 404 tarball, folder, http url, or git folder.
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-debug-0.log
)"),
            "npm error 404 Not Found - GET https://registry.npmjs.org/nope - Not found");
  EXPECT_EQ(told(R"(npm ERR! code ENOENT
npm ERR! syscall open
npm ERR! path /srv/package.json
npm ERR! errno -2
npm ERR! enoent ENOENT: no such file or directory, open '/srv/package.json'
npm ERR! enoent This is related to npm not being able to find a file.
npm ERR! enoent

npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/2026-debug-0.log
)"),
            "npm ERR! enoent ENOENT: no such file or directory, open '/srv/package.json'");
}

TEST(LastWords, OfOthersAreTheirLastLine) {
  EXPECT_EQ(told(R"(starting, with error: none so far
Traceback (most recent call last):
  File "/srv/server.py", line 3, in <module>
    raise ValueError("error: a colon")
ModuleNotFoundError: No module named 'mcp'
)"),
            "ModuleNotFoundError: No module named 'mcp'");
  EXPECT_EQ(told("reading the licence\nno licence found\n"), "no licence found");
  EXPECT_EQ(told("FATAL: no database\nbye\n"), "FATAL: no database");
  EXPECT_EQ(told(""), "");
}

TEST(LastWords, AreOfTheLastLinesOnly) {
  std::string text = "Error: long ago\n";
  for (int i = 0; i < 20; ++i) text += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(told(text), "line 19");
  EXPECT_EQ(told(std::string(1000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace greenroom::machine::testing
