// Asks before something dangerous is done.
#pragma once

#include <string>

namespace greenroom::apps {

/// At a terminal it asks, unless `yes` (`--yes`). Elsewhere nobody can be asked, and the command is
/// the word: true.
bool confirmed(const char* question, bool yes);

/// Who sits here, for the record of decisions.
std::string user_name();

}  // namespace greenroom::apps
