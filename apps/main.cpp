// The greenroom program: reads the command line and hands over to one verb.
#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  CLI::App program{"Greenroom keeps warm the specialists that are about to be needed."};
  program.require_subcommand(1);
  CLI11_PARSE(program, argc, argv);
  return 0;
}
