// Asks before something dangerous is done.
#pragma once

#include <string>

namespace greenroom::apps {

/// True at once with `yes` (`--yes`). At a terminal it asks; elsewhere it says on stderr that --yes
/// is needed, and returns false: a script must say that it means it.
bool confirmed(const char* question, bool yes);

/// Who sits here, for the record of decisions.
std::string user_name();

}  // namespace greenroom::apps
