// The greenroom program: parses the command line and runs one verb.
#include "apps/client/problem_line.hpp"
#include "apps/client/terminal.hpp"
#include "apps/verbs/verb_table.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace greenroom::apps;

constexpr std::size_t help_width = 80;

void add_verbs(CLI::App& program, outcome& result) {
  for (const auto& entry : verb_table())
    entry.define(*program.add_subcommand(entry.name)->group(entry.group), result);
}

/// Suggests the nearest verb; CLI11 would only say that the argument was not expected.
int refuse_unknown_verb(const CLI::App& program, std::string_view word,
                        const std::string& called = "greenroom") {
  std::vector<std::string> names;
  for (const auto* verb : program.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  const auto near = greenroom::base::nearest_of(word, names);
  say_problem("wrong-usage", "unknown verb \"" + std::string{word} + "\" — "
                                 + (near.empty() ? "see " + called + " --help"
                                                 : "did you mean \"" + std::string{near}
                                                       + "\"? See " + called + " --help"));
  return wrong_usage;
}

/// The verb of that name, or null.
const CLI::App* find_verb(const CLI::App& program, std::string_view word) {
  for (const auto* verb : program.get_subcommands([](const CLI::App*) { return true; }))
    if (verb->get_name() == word) return verb;
  return nullptr;
}

/// Prints the help of a nested verb (`config check`), else of `verb`, else of the program.
void print_help(const CLI::App& program, const CLI::App* verb) {
  if (verb == nullptr) {
    std::fputs(wrapped(program.help(), help_width).c_str(), stdout);
    return;
  }
  const auto inner = verb->get_subcommands();
  const auto text = inner.empty()
                        ? verb->help(program.get_name())
                        : inner.front()->help(program.get_name() + " " + verb->get_name());
  std::fputs(wrapped(text, help_width).c_str(), stdout);
}

/// `named`: the verb on the command line, if any.
int parse_and_run(CLI::App& program, const CLI::App* named, int argc, char** argv,
                  const outcome& result) {
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    // Help for the named verb, if any.
    print_help(program, named);
    return done;
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return program.exit(problem);  // --version
    say_problem("wrong-usage", std::string{problem.what()} + " — see greenroom "
                                   + (named != nullptr ? named->get_name() + " " : "") + "--help");
    return wrong_usage;
  } catch (const std::exception& problem) {
    say_problem("internal",
                std::string{problem.what()} + " — this should not happen; please report it");
    return failed;
  }
  return result.code;
}

int run(int argc, char** argv) {
  // A closed stdout or connection must be reported as an error, not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  // A journal at its size limit (ulimit -f) is handled like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);

  CLI::App program{
      "Greenroom runs a large cast of specialists — agents, MCP servers, model servers — and\n"
      "keeps warm only those that are about to be needed.",
      "greenroom"};
  program.set_version_flag("--version", "greenroom " GREENROOM_VERSION);
  program.footer(
      "Exit codes: 0 done, 1 the operation failed, 2 wrong usage or configuration,\n"
      "3 the node could not be reached. Each verb has --help with an example.\n"
      "Start here: greenroom demo");
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);

  outcome result;
  add_verbs(program, result);

  if (argc < 2) {
    std::fputs(wrapped(program.help(), help_width).c_str(), stderr);
    return wrong_usage;
  }
  // Before parsing, so that --json also applies to errors in the command line.
  const std::span arguments{argv + 1, static_cast<std::size_t>(argc - 1)};
  const auto options_end = std::ranges::find(arguments, std::string_view{"--"});
  if (std::find(arguments.begin(), options_end, std::string_view{"--json"}) != options_end)
    write_problems_as_json();
  const std::string first = argv[1];
  if (first == "help") {
    const auto* verb = argc > 2 ? find_verb(program, argv[2]) : nullptr;
    if (argc > 2 && verb == nullptr) return refuse_unknown_verb(program, argv[2]);
    print_help(program, verb);
    return done;
  }
  const auto* named = find_verb(program, first);
  if (!first.starts_with('-') && named == nullptr) return refuse_unknown_verb(program, first);

  // Nested verbs such as `config check`.
  const auto has_inner = [](const CLI::App& verb) {
    return !verb.get_subcommands([](const CLI::App*) { return true; }).empty();
  };
  if (named != nullptr && argc > 2 && argv[2][0] != '-' && has_inner(*named)
      && find_verb(*named, argv[2]) == nullptr)
    return refuse_unknown_verb(*named, argv[2], "greenroom " + first);

  return parse_and_run(program, named, argc, argv, result);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return finish_output(run(argc, argv));
  } catch (...) {
    // Reporting the problem failed too.
    std::fputs("greenroom: this should not happen; please report it\n", stderr);
    return failed;
  }
}
