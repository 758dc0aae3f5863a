#include "apps/client/confirm.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace greenroom::apps {

bool confirmed(const char* question, bool yes) {
  if (yes || isatty(STDIN_FILENO) == 0) return true;
  std::fprintf(stderr, "%s [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return true;
  std::fprintf(stderr, "greenroom: nothing was done\n");
  return false;
}

std::string user_name() {
  const auto* name = std::getenv("USER");
  return name != nullptr && *name != '\0' ? name : "cli";
}

}  // namespace greenroom::apps
