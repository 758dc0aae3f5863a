// Configurations of other programs, in the shapes that their documentation shows.
#include "config/import/imported.hpp"
#include "config/import/source_tree.hpp"
#include "config/import/variables.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using words = std::vector<std::string>;

/// The value; where there is none, a failure of the test and an empty value.
template <class T>
T value_of(base::expected<T, base::problem> result) {
  if (result) return *std::move(result);
  ADD_FAILURE() << result.error().code << ": " << result.error().text;
  return {};
}

/// Why there is no value; a failure of the test where there is one.
template <class T>
base::problem refusal_of(const base::expected<T, base::problem>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "is accepted";
  return {};
}

/// The value at the path; a failure of the test where there is none.
const tree& tree_at(const tree& from, std::initializer_list<std::string_view> path) {
  static const tree nothing;
  const auto* at = &from;
  for (const auto key : path) {
    const auto* const next = at->find(key);
    if (next == nullptr) ADD_FAILURE() << "nothing at " << key;
    at = next == nullptr ? &nothing : next;
  }
  return *at;
}

std::string text_at(const tree& from, std::initializer_list<std::string_view> path) {
  const auto& found = tree_at(from, path);
  EXPECT_EQ(found.is, tree::kind::scalar);
  return found.text;
}

imported read(std::string_view text, std::optional<import_source> from = std::nullopt) {
  return value_of(import_text(text, from));
}

std::string yaml_of(const imported& one) { return to_yaml(std::array{one}); }

/// What is written must be a configuration, with these variables in the environment.
void expect_loads(const imported& one, std::map<std::string, std::string> environment = {}) {
  load_options options;
  options.environment = std::move(environment);
  SCOPED_TRACE(yaml_of(one));
  static_cast<void>(node_in(load_text(yaml_of(one), "imported.yaml", options)));
}

bool has_note(const std::vector<std::string>& notes, std::string_view part) {
  for (const auto& note : notes)
    if (note.find(part) != std::string::npos) return true;
  return false;
}

TEST(Import, ReadsClaudeDesktop) {
  const auto got = read(R"({
    "globalShortcut": "Ctrl+Space",
    "mcpServers": {
      "filesystem": {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me/My Documents"]
      },
      "github": { "command": "docker", "args": ["run", "-i", "--rm"], "env": { "TOKEN": "p$ss${x}" } },
      "my server": { "command": "/usr/bin/python3", "args": ["server.py"] }
    }
  })");
  EXPECT_EQ(got.from, import_source::claude_desktop);
  ASSERT_EQ(got.specialists.size(), 3U);
  EXPECT_EQ(got.specialists[0].name, "filesystem");
  EXPECT_EQ(
      got.specialists[0].command,
      (words{"npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/me/My Documents"}));
  // The first start downloads a package.
  EXPECT_EQ(got.specialists[0].start_timeout_s, 120);
  EXPECT_EQ(got.specialists[1].env, (std::vector<name_and_text>{{"TOKEN", "p$$ss$${x}"}}));
  EXPECT_EQ(got.specialists[2].name, "my-server");
  EXPECT_EQ(got.specialists[2].start_timeout_s, 0);
  EXPECT_TRUE(has_note(got.specialists[2].notes, "'my server'"));
  expect_loads(got);
}

TEST(Import, ReadsClaudeCodeWithItsProjects) {
  const auto got = read(R"({
    "numStartups": 7,
    "mcpServers": {
      "api": { "type": "http", "url": "https://mcp.example.com/mcp",
               "headers": { "Authorization": "Bearer ${API_KEY:-none}" } },
      "old": { "type": "sse", "url": "https://mcp.example.com/sse" }
    },
    "projects": {
      "/home/me/work": { "allowedTools": [], "mcpServers": {
        "db": { "type": "stdio", "command": "${HOME}/bin/db", "args": [], "env": { "URL": "${DB_URL}" } }
      } },
      "/home/me/empty": { "mcpServers": {} }
    }
  })");
  EXPECT_EQ(got.from, import_source::claude_code);
  ASSERT_EQ(got.specialists.size(), 3U);
  EXPECT_EQ(got.specialists[0].is, imported_specialist::kind::mcp_remote);
  EXPECT_EQ(got.specialists[0].url, "https://mcp.example.com/mcp");
  EXPECT_THAT(got.specialists[0].headers,
              ElementsAre(Pair("Authorization", "Bearer ${API_KEY:-none}")));
  EXPECT_EQ(got.specialists[1].url, "https://mcp.example.com/sse");
  EXPECT_EQ(got.specialists[2].command, (words{"${HOME}/bin/db"}));
  EXPECT_EQ(got.specialists[2].cwd, "/home/me/work");
  EXPECT_TRUE(has_note(got.specialists[2].notes, "/home/me/work"));
}

TEST(Import, ReadsCursor) {
  const auto got = read(R"({
    "mcpServers": {
      "tools": {
        "command": "node", "args": ["${workspaceFolder}/mcp.js", "${userHome}/x", "${/}tmp"],
        "env": { "KEY": "${env:MY_KEY}" }, "envFile": ".env", "disabled": false
      },
      "off": { "command": "x", "disabled": true },
      "short": { "command": "npx -y mcp-remote 'https://a b'" }
    }
  })");
  EXPECT_EQ(got.from, import_source::cursor);
  ASSERT_EQ(got.specialists.size(), 2U);
  const auto& tools = got.specialists[0];
  EXPECT_EQ(tools.command, (words{"node", "./mcp.js", "${HOME}/x", "/tmp"}));
  EXPECT_EQ(tools.env, (std::vector<name_and_text>{{"KEY", "${MY_KEY}"}}));
  EXPECT_TRUE(has_note(tools.notes, "envFile is not kept"));
  EXPECT_TRUE(has_note(tools.notes, "working directory"));
  EXPECT_EQ(got.specialists[1].command, (words{"npx", "-y", "mcp-remote", "https://a b"}));
  EXPECT_TRUE(has_note(got.notes, "'off' is left out"));
  expect_loads(got, {{"HOME", "/root"}, {"MY_KEY", "k"}});
}

TEST(Import, ReadsVsCodeWithCommentsAndInputs) {
  const auto got = read(R"(// Of the workspace
{
  "inputs": [ { "type": "promptString", "id": "github-token", "description": "a \"//\"", "password": true }, ],
  /* The servers */
  "servers": {
    "github": { "type": "http", "url": "https://api.githubcopilot.com/mcp/",
                "headers": { "Authorization": "Bearer ${input:github-token}" } },
    "fetch": { "type": "stdio", "command": "uvx", "args": ["mcp-server-fetch", ], "dev": { "watch": "x" } },
  }
  })");
  EXPECT_EQ(got.from, import_source::vscode);
  ASSERT_EQ(got.specialists.size(), 2U);
  EXPECT_THAT(got.specialists[0].headers,
              ElementsAre(Pair("Authorization", "Bearer ${GITHUB_TOKEN}")));
  EXPECT_TRUE(has_note(got.specialists[0].notes, "GITHUB_TOKEN"));
  EXPECT_EQ(got.specialists[1].command, (words{"uvx", "mcp-server-fetch"}));
  EXPECT_TRUE(has_note(got.specialists[1].notes, "dev is not kept"));
  // The older place, in the settings.
  const auto settings = read(R"({"editor.fontSize":12,"mcp":{"servers":{"a":{"command":"b"}}}})");
  EXPECT_EQ(settings.from, import_source::vscode);
  EXPECT_EQ(settings.specialists.size(), 1U);
}

TEST(Import, ReadsCodex) {
  const auto got = read(R"(model = "gpt-5" # a comment
[mcp_servers.context7]
command = "npx"
args = [
  "-y",
  "@upstash/context7-mcp", # the package
]
startup_timeout_sec = 20
tool_timeout_sec = 45.5
enabled_tools = ["a"]

[mcp_servers.context7.env]
MY_ENV_VAR = 'C:\raw'

[mcp_servers."figma dev"]
url = "https://mcp.figma.com/mcp"
bearer_token_env_var = "FIGMA_TOKEN"
http_headers = { "X-Region" = "us-east-1" }
env_http_headers = { X-Key = "KEY_VAR" }

[mcp_servers.off]
command = "x"
enabled = false
)");
  EXPECT_EQ(got.from, import_source::codex);
  ASSERT_EQ(got.specialists.size(), 2U);
  const auto& first = got.specialists[0];
  EXPECT_EQ(first.command, (words{"npx", "-y", "@upstash/context7-mcp"}));
  EXPECT_EQ(first.env, (std::vector<name_and_text>{{"MY_ENV_VAR", "C:\\raw"}}));
  EXPECT_EQ(first.start_timeout_s, 20);
  EXPECT_EQ(first.task_timeout_s, 45.5);
  EXPECT_TRUE(has_note(first.notes, "enabled_tools"));
  const auto& second = got.specialists[1];
  EXPECT_EQ(second.name, "figma-dev");
  EXPECT_EQ(second.headers,
            (std::vector<name_and_text>{{"X-Region", "us-east-1"},
                                        {"X-Key", "${KEY_VAR}"},
                                        {"Authorization", "Bearer ${FIGMA_TOKEN}"}}));
  EXPECT_TRUE(has_note(got.notes, "'off'"));
  EXPECT_THAT(yaml_of(got), HasSubstr("task_timeout: 45500ms"));
}

TEST(Import, RefusesANameThatNoVariableCanHave) {
  for (const std::string name : {"", "a b", "1A", "A-B", "A}", "A:-b", "ä", "${A}"}) {
    const auto problem =
        refusal_of(import_text("[mcp_servers.figma]\nurl = \"https://a.example\"\n"
                               "env_http_headers = { X-Key = \""
                               + name + "\" }\n"));
    EXPECT_EQ(problem.code, "bad-variable") << name;
    EXPECT_THAT(problem.text, AllOf(HasSubstr("'figma'"), HasSubstr("env_http_headers.X-Key"),
                                    HasSubstr('"' + name + '"')));
  }
  for (const std::string value : {"\"my token\"", "\"\"", "[\"A\"]"}) {
    const auto problem =
        refusal_of(import_text("[mcp_servers.figma]\nurl = \"https://a.example\"\n"
                               "bearer_token_env_var = "
                               + value + "\n"));
    EXPECT_EQ(problem.code, "bad-variable") << value;
    EXPECT_THAT(problem.text, AllOf(HasSubstr("'figma'"), HasSubstr("bearer_token_env_var")));
  }
  const auto got = read(
      "[mcp_servers.figma]\nurl = \"https://a.example\"\nenv_http_headers = { X-Key = \"_a9Z\" "
      "}\n");
  ASSERT_EQ(got.specialists.size(), 1U);
  EXPECT_THAT(got.specialists[0].headers, ElementsAre(Pair("X-Key", "${_a9Z}")));
}

TEST(Import, KeepsTheLastOfEqualHeaders) {
  // Codex sends the last of them too.
  const auto got = read(R"([mcp_servers.a]
url = "https://a.example/mcp"
http_headers = { authorization = "Bearer first", X-Key = "literal", X-Other = "kept" }
env_http_headers = { x-key = "KEY_VAR", Authorization = "AUTH_VAR" }
bearer_token_env_var = "TOKEN"
)");
  ASSERT_EQ(got.specialists.size(), 1U);
  const auto& one = got.specialists[0];
  EXPECT_THAT(one.headers, ElementsAre(Pair("Authorization", "Bearer ${TOKEN}"),
                                       Pair("x-key", "${KEY_VAR}"), Pair("X-Other", "kept")));
  EXPECT_THAT(one.notes,
              ElementsAre("x-key is set more than once: the last value is kept",
                          "Authorization is set more than once: the last value is kept"));
  const auto yaml = yaml_of(got);
  EXPECT_TRUE(parse_tree(yaml, "written").problems.empty()) << yaml;
}

TEST(Import, KeepsTheLastOfEqualVariables) {
  const auto got = read(R"(models:
  a: { cmd: "x --port ${PORT}", env: [ "A=1", "a=2", "A=3=4" ] }
)");
  ASSERT_EQ(got.specialists.size(), 1U);
  EXPECT_THAT(got.specialists[0].env, ElementsAre(Pair("A", "3=4"), Pair("a", "2")));
  EXPECT_TRUE(has_note(got.specialists[0].notes, "A is set more than once"));
  expect_loads(got);
}

TEST(Import, WritesNamesOfAnyLength) {
  for (const std::size_t bytes : {1021U, 1022U, 1023U, 1024U, 5000U}) {
    const std::string name(bytes, 'A');
    const auto yaml = yaml_of(read(R"({"mcpServers":{"a":{"command":"x","env":{"B":"1",")" + name
                                   + R"(":"2","C":"3"}}}})"));
    const auto loaded = node_in(load_text(yaml, "imported.yaml"));
    ASSERT_EQ(loaded.departments.size(), 1U) << bytes;
    ASSERT_EQ(loaded.departments[0].specialists.size(), 1U) << bytes;
    EXPECT_THAT(loaded.departments[0].specialists[0].backend.env,
                ElementsAre(Pair(name, "2"), Pair("B", "1"), Pair("C", "3")));
  }
}

TEST(Import, KeepsTheLastOfEqualKeysInJsonAndRefusesThemInYamlAndToml) {
  const auto got = read(R"({"mcpServers":{"a":{"command":"x","env":{"K":"1"}},
                                          "a":{"command":"y","env":{"K":"2","K":"3"}}}})");
  ASSERT_EQ(got.specialists.size(), 1U);
  EXPECT_EQ(got.specialists[0].command, words{"y"});
  EXPECT_THAT(got.specialists[0].env, ElementsAre(Pair("K", "3")));
  const auto yaml = refusal_of(import_text("models:\n  a: { cmd: x }\n  a: { cmd: y }\n"));
  EXPECT_EQ(yaml.code, "bad-yaml");
  EXPECT_THAT(yaml.text, AllOf(HasSubstr("models.a"), HasSubstr("duplicate key")));
  const auto toml = refusal_of(import_text("[mcp_servers.a]\ncommand = 'x'\ncommand = 'y'\n"));
  EXPECT_EQ(toml.code, "bad-toml");
  EXPECT_THAT(toml.text, HasSubstr("line 3"));
}

TEST(Import, ReadsGemini) {
  const auto got = read(R"({
    "mcp": { "excluded": ["experimental"] },
    "mcpServers": {
      "python": { "command": "python", "args": ["-m", "my_server"], "cwd": "./mcp", "timeout": 15000,
                  "env": { "KEY": "$MY_KEY", "URL": "${DB_URL}/x", "PRICE": "5$" }, "trust": true },
      "remote": { "httpUrl": "https://a.example/mcp", "headers": { "Authorization": "Bearer t" } },
      "experimental": { "command": "x" }
    }
  })");
  EXPECT_EQ(got.from, import_source::gemini);
  ASSERT_EQ(got.specialists.size(), 2U);
  const auto& python = got.specialists[0];
  EXPECT_EQ(python.env, (std::vector<name_and_text>{
                            {"KEY", "${MY_KEY}"}, {"URL", "${DB_URL}/x"}, {"PRICE", "5$$"}}));
  EXPECT_EQ(python.cwd, "./mcp");
  EXPECT_EQ(python.task_timeout_s, 15);
  EXPECT_TRUE(has_note(python.notes, "trust is not kept"));
  EXPECT_EQ(got.specialists[1].url, "https://a.example/mcp");
  EXPECT_TRUE(has_note(got.notes, "'experimental'"));
}

TEST(Import, ReadsLlamaSwap) {
  const auto got = read(R"(healthCheckTimeout: 60
startPort: 10001
macros:
  server: "/opt/llama-server --port ${PORT} ${flags}"
  flags: -ngl 99
models:
  "llama":
    cmd: |
      # the small one
      ${server}
      --model "path/to/Llama 3.gguf" \
      --alias ${MODEL_ID}
    env:
      - "CUDA_VISIBLE_DEVICES=0"
      - "KEY=${env.SECRET}"
    aliases: ["gpt-4o-mini"]
    checkEndpoint: /custom-endpoint
    ttl: 60
    concurrencyLimit: 4
  "docker-llama":
    proxy: "http://127.0.0.1:${PORT}"
    cmd: docker run --rm -p ${PORT}:8080 image
    cmdStop: docker stop ${MODEL_ID}
  "fixed":
    cmd: vllm serve --port 8999
    proxy: http://127.0.0.1:8999
    checkEndpoint: none
    useModelName: "qwen:qwq"
groups:
  g: { swap: true, members: [llama] }
)");
  EXPECT_EQ(got.from, import_source::llama_swap);
  ASSERT_EQ(got.specialists.size(), 3U);
  const auto& llama = got.specialists[0];
  EXPECT_EQ(llama.command, (words{"/opt/llama-server", "--port", "${PORT}", "-ngl", "99", "--model",
                                  "path/to/Llama 3.gguf", "--alias", "llama"}));
  EXPECT_EQ(llama.env,
            (std::vector<name_and_text>{{"CUDA_VISIBLE_DEVICES", "0"}, {"KEY", "${SECRET}"}}));
  EXPECT_EQ(llama.url, "http://127.0.0.1:${PORT}");
  EXPECT_EQ(llama.health, "/custom-endpoint");
  EXPECT_EQ(llama.aliases, (words{"gpt-4o-mini"}));
  EXPECT_EQ(llama.concurrency, 4U);
  EXPECT_EQ(llama.start_timeout_s, 60);
  EXPECT_TRUE(has_note(llama.notes, "ttl"));
  EXPECT_TRUE(got.specialists[1].any_listener);
  EXPECT_TRUE(has_note(got.specialists[1].notes, "cmdStop"));
  EXPECT_EQ(got.specialists[2].url, "http://127.0.0.1:8999");
  EXPECT_TRUE(has_note(got.specialists[2].notes, "checkEndpoint"));
  EXPECT_TRUE(has_note(got.specialists[2].notes, "useModelName"));
  EXPECT_TRUE(has_note(got.notes, "groups"));
  expect_loads(got, {{"SECRET", "s"}});
}

TEST(Import, ReadsTheMacrosOfAModelAndOfAList) {
  const auto got = read(R"(macros:
  - bin: /opt/llama-server
  - ctx: 4096
  - args: "--ctx-size ${ctx} --port ${PORT}"
models:
  small: { cmd: "${bin} ${args}" }
  large: { cmd: "${bin} ${args}", macros: { ctx: 16384 } }
)");
  ASSERT_EQ(got.specialists.size(), 2U);
  EXPECT_THAT(got.specialists[0].command,
              ElementsAre("/opt/llama-server", "--ctx-size", "4096", "--port", "${PORT}"));
  EXPECT_THAT(got.specialists[1].command,
              ElementsAre("/opt/llama-server", "--ctx-size", "16384", "--port", "${PORT}"));
  expect_loads(got);
}

TEST(Import, ExpandsMacrosToATextOf64KiBAndNotLonger) {
  constexpr std::size_t limit = 65'536;
  const auto file_with = [](std::size_t bytes) {
    return "macros: { long: " + std::string(bytes, 'a')
           + " }\nmodels: { m: { cmd: \"x ${long}\" } }";
  };
  const auto most = read(file_with(limit - 2));
  ASSERT_EQ(most.specialists.size(), 1U);
  EXPECT_THAT(most.specialists[0].command, ElementsAre("x", std::string(limit - 2, 'a')));
  const auto problem = refusal_of(import_text(file_with(limit - 1)));
  EXPECT_EQ(problem.code, "bad-macro");
  EXPECT_THAT(problem.text, AllOf(HasSubstr("'m'"), HasSubstr("'long'"), HasSubstr("65536")));
}

TEST(Import, RefusesMacrosThatExpandExponentially) {
  const auto fifty_of = [](const std::string& macro) {
    std::string result;
    for (int i = 0; i < 50; ++i) result += "${" + macro + "}";
    return result;
  };
  std::string text = "macros:\n  m0: x\n";
  for (int i = 1; i <= 8; ++i)
    text += "  m" + std::to_string(i) + ": \"" + fifty_of("m" + std::to_string(i - 1)) + "\"\n";
  text += "models:\n  llama: ";
  for (const std::string model :
       {"{ cmd: \"${m8}\" }", "{ cmd: x, proxy: \"${m8}\" }", "{ cmd: x, env: [ \"A=${m8}\" ] }"}) {
    const auto problem = refusal_of(import_text(text + model));
    EXPECT_EQ(problem.code, "bad-macro") << model;
    // m8 and m7 make 12,500 bytes; m6 would make 625,000.
    EXPECT_THAT(problem.text, AllOf(HasSubstr("'llama'"), HasSubstr("'m6'"))) << model;
  }
  // A name can do it too.
  const auto itself = "{ models: { \"" + fifty_of("MODEL_ID") + "\": { cmd: \"${MODEL_ID}\" } } }";
  EXPECT_EQ(refusal_of(import_text(itself, import_source::llama_swap)).code, "bad-macro");
}

TEST(Import, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(refusal_of(import_text("{")).code, "bad-json");
  EXPECT_EQ(refusal_of(import_text(R"({"mcpServers":{}})")).code, "no-servers");
  EXPECT_EQ(refusal_of(import_text("")).code, "no-servers");
  EXPECT_EQ(refusal_of(import_text("a: [")).code, "bad-yaml");
  EXPECT_EQ(refusal_of(import_text("[mcp_servers.a\n")).code, "bad-toml");
  EXPECT_EQ(refusal_of(import_text("x = 1", import_source::codex)).code, "no-servers");
  EXPECT_EQ(refusal_of(import_text("{}", import_source::codex)).code, "bad-toml");
  const auto empty = read(R"({"mcpServers":{"a":{"args":["x"]}}})");
  EXPECT_TRUE(empty.specialists.empty());
  EXPECT_TRUE(has_note(empty.notes, "neither a command nor a URL"));
}

TEST(Import, WritesEqualServersOnceAndGivesOthersANumber) {
  const auto one = read(R"({"mcpServers":{"a":{"command":"x"},"b":{"command":"y"}}})");
  const auto other = read(R"({"mcpServers":{"a":{"command":"x"},"b":{"command":"z"}}})");
  const auto yaml = to_yaml(std::array{one, other});
  SCOPED_TRACE(yaml);
  const auto loaded = node_in(load_text(yaml, "imported.yaml"));
  ASSERT_EQ(loaded.departments.size(), 1U);
  const auto& all = loaded.departments[0].specialists;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].name, "b-2");
  EXPECT_THAT(yaml, HasSubstr("# another server is called 'b' too"));
}

TEST(Import, KnowsItsSourcesByName) {
  EXPECT_EQ(import_source_of("llama-swap"), import_source::llama_swap);
  EXPECT_EQ(import_source_of("claude-desktop"), import_source::claude_desktop);
  EXPECT_EQ(import_source_of("emacs"), std::nullopt);
  EXPECT_EQ(to_string(import_source::vscode), "vscode");
}

TEST(Toml, HasAllKindsOfStringsAndTables) {
  const auto got = value_of(tree_of_toml(R"(a."b.c" = """
first \
   second"""
lit = '''x'y'''
u = "\u00e4\t"
date = 2026-11-30T12:00:00Z
[[list]]
n = 1
[[list]]
n = 2
[list.sub]
deep = { x = [1, [2, ], ], y.z = true }
)"));
  EXPECT_EQ(text_at(got, {"a", "b.c"}), "first second");
  EXPECT_EQ(text_at(got, {"lit"}), "x'y");
  EXPECT_EQ(text_at(got, {"u"}), "ä\t");
  EXPECT_EQ(text_at(got, {"date"}), "2026-11-30T12:00:00Z");
  const auto& list = tree_at(got, {"list"}).items;
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(text_at(list[0], {"n"}), "1");
  EXPECT_EQ(text_at(list[1], {"n"}), "2");
  EXPECT_EQ(text_at(list[1], {"sub", "deep", "y", "z"}), "true");
  const auto& deep = tree_at(list[1], {"sub", "deep", "x"}).items;
  ASSERT_EQ(deep.size(), 2U);
  ASSERT_EQ(deep[1].items.size(), 1U);
  EXPECT_EQ(deep[1].items[0].text, "2");
}

TEST(Toml, SaysInWhichLineItIsWrong) {
  const std::vector<std::pair<std::string, int>> all{
      {"x", 1},
      {"x\ny = \"open", 1},
      {"a = 1\na = 2", 2},
      {"x = 1\ny = \"open\nz = 1", 2},
      {"x = 1\n[t\nz = 1", 2},
      {"x = 1\n= 2\nz = 1", 2},
      {"x = 1\ny = [1 2]\nz = 1", 2},
      {"x = 1\ny = {a = 1 b = 2}\nz = 1", 2},
      {"x = 1\ny = 1 2\nz = 1", 2},
      {"x = 1\n[x]\nz = 1", 2},
      {"x = 1\ny = \"\\ud800\"\nz = 1", 2},
      {"# a comment\n\nx = \"\\q\"\nz = 1", 3},
      {"x = [\n  1,\n  2 3\n]", 3},
      {"x = \"\"\"\na\n\"\"\"\"\"\"", 3},
  };
  for (const auto& [text, line] : all)
    EXPECT_EQ(refusal_of(tree_of_toml(text)).text,
              "is not valid TOML in line " + std::to_string(line))
        << text;
}

TEST(Toml, RefusesATextThatEndsInTheMiddle) {
  const std::string whole =
      "[[a.\"b\"]]\nc = { d = [ '''x''', \"\"\"\\U0001f600\\\n y\"\"\", \"\\u00e4\" ] }";
  EXPECT_TRUE(tree_of_toml(whole));
  // The table alone is whole too, with its line end or without.
  const auto line_end = whole.find('\n');
  for (std::size_t size = 1; size < whole.size(); ++size) {
    if (size == line_end || size == line_end + 1) continue;
    const auto cut = whole.substr(0, size);
    EXPECT_EQ(refusal_of(tree_of_toml(cut)).code, "bad-toml") << cut;
  }
  for (const std::string escape : {"\\", "\\u", "\\u1", "\\u12", "\\u123", "\\U0001f60"})
    EXPECT_EQ(refusal_of(tree_of_toml("x = \"" + escape)).code, "bad-toml") << escape;
  EXPECT_EQ(refusal_of(tree_of_toml("x = \"\\u123\"")).code, "bad-toml");
  EXPECT_EQ(text_at(value_of(tree_of_toml("x = \"\\u0041\"")), {"x"}), "A");
}

TEST(Toml, TakesTwoQuotesAtTheEndOfAText) {
  EXPECT_EQ(text_at(value_of(tree_of_toml("x = \"\"\"a\"\"\"\"\"")), {"x"}), "a\"\"");
  EXPECT_EQ(refusal_of(tree_of_toml("x = \"\"\"a\"\"\"\"\"\"")).code, "bad-toml");
}

TEST(Toml, TakesListsInListsToADepthOf32) {
  const auto nested = [](std::size_t depth) {
    return "a = " + std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(tree_of_toml(nested(32)));
  EXPECT_FALSE(tree_of_toml(nested(33)));
  EXPECT_EQ(refusal_of(tree_of_toml("a = '\xff'")).text, "is not UTF-8");
}

TEST(Variables, AreCutIntoWordsAsAShellDoes) {
  EXPECT_EQ(shell_words(R"(a 'b c' "d \" e" f\ g "" \
 h)"),
            (words{"a", "b c", "d \" e", "f g", "", "h"}));
  EXPECT_EQ(shell_words("a\n  # comment 'x\nb#c"), (words{"a", "b#c"}));
  EXPECT_EQ(shell_words("a 'b"), std::nullopt);
  EXPECT_EQ(shell_words("  "), words{});
}

}  // namespace
}  // namespace greenroom::config
