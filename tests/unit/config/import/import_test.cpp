// Configurations of other programs, in the shapes that their documentation shows.
#include "config/import/imported.hpp"
#include "config/import/source_tree.hpp"
#include "config/import/variables.hpp"
#include "config/loader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace greenroom::config {
namespace {

using words = std::vector<std::string>;

imported read(std::string_view text, std::optional<import_source> from = std::nullopt) {
  const auto result = import_text(text, from);
  EXPECT_TRUE(result) << result.error().text;
  return result ? *result : imported{};
}

std::string yaml_of(const imported& one) { return to_yaml(std::array{one}); }

/// What is written must be a configuration, with these variables in the environment.
void expect_loads(const imported& one, std::map<std::string, std::string> environment = {}) {
  load_options options;
  options.environment = std::move(environment);
  const auto loaded = load_text(yaml_of(one), "imported.yaml", options);
  if (!loaded)
    for (const auto& problem : loaded.error()) ADD_FAILURE() << to_string(problem);
  EXPECT_TRUE(loaded) << yaml_of(one);
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
  EXPECT_EQ(got.specialists[0].headers[0].second, "Bearer ${API_KEY:-none}");
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
  EXPECT_EQ(got.specialists[0].headers[0].second, "Bearer ${GITHUB_TOKEN}");
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
  EXPECT_NE(yaml_of(got).find("task_timeout: 45500ms"), std::string::npos);
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

TEST(Import, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(import_text("{").error().code, "bad-json");
  EXPECT_EQ(import_text(R"({"mcpServers":{}})").error().code, "no-servers");
  EXPECT_EQ(import_text("").error().code, "no-servers");
  EXPECT_EQ(import_text("a: [").error().code, "bad-yaml");
  EXPECT_EQ(import_text("[mcp_servers.a\n").error().code, "bad-toml");
  EXPECT_EQ(import_text("x = 1", import_source::codex).error().code, "no-servers");
  EXPECT_EQ(import_text("{}", import_source::codex).error().code, "bad-toml");
  const auto empty = read(R"({"mcpServers":{"a":{"args":["x"]}}})");
  EXPECT_TRUE(empty.specialists.empty());
  EXPECT_TRUE(has_note(empty.notes, "neither a command nor a URL"));
}

TEST(Import, WritesEqualServersOnceAndGivesOthersANumber) {
  const auto one = read(R"({"mcpServers":{"a":{"command":"x"},"b":{"command":"y"}}})");
  const auto other = read(R"({"mcpServers":{"a":{"command":"x"},"b":{"command":"z"}}})");
  const auto yaml = to_yaml(std::array{one, other});
  const auto loaded = load_text(yaml, "imported.yaml");
  ASSERT_TRUE(loaded) << yaml;
  const auto& all = loaded->value.departments.at(0).specialists;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].name, "b-2");
  EXPECT_NE(yaml.find("# another server is called 'b' too"), std::string::npos);
}

TEST(Import, KnowsItsSourcesByName) {
  EXPECT_EQ(import_source_of("llama-swap"), import_source::llama_swap);
  EXPECT_EQ(import_source_of("claude-desktop"), import_source::claude_desktop);
  EXPECT_EQ(import_source_of("emacs"), std::nullopt);
  EXPECT_EQ(to_string(import_source::vscode), "vscode");
}

TEST(Toml, HasAllKindsOfStringsAndTables) {
  const auto got = tree_of_toml(R"(a."b.c" = """
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
)");
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->find("a")->find("b.c")->text, "first second");
  EXPECT_EQ(got->find("lit")->text, "x'y");
  EXPECT_EQ(got->find("u")->text, "ä\t");
  EXPECT_EQ(got->find("date")->text, "2026-11-30T12:00:00Z");
  const auto& list = *got->find("list");
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].find("n")->text, "1");
  const auto* const deep = list.items[1].find("sub")->find("deep");
  EXPECT_EQ(deep->find("x")->items[1].items[0].text, "2");
  EXPECT_EQ(deep->find("y")->find("z")->text, "true");
}

TEST(Toml, SaysInWhichLineItIsWrong) {
  for (const std::string bad :
       {"a = 1\na = 2", "x\ny = \"open", "x = 1\n[t\n", "x = 1\n= 2", "x = 1\ny = [1 2]",
        "x = 1\ny = \"\\q\"", "x = 1\ny = {a = 1 b = 2}", "x = 1\ny = 1 2", "x = 1\n[x]",
        "x = 1\ny = \"\\ud800\""}) {
    const auto got = tree_of_toml(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_TRUE(got.error().text.find("line 1") != std::string::npos
                || got.error().text.find("line 2") != std::string::npos)
        << got.error().text;
  }
  EXPECT_FALSE(tree_of_toml("a = " + std::string(100, '[')));
  EXPECT_FALSE(tree_of_toml("\xff"));
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
