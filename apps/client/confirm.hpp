// Asks for confirmation before a dangerous command.
#pragma once

#include <string>

namespace greenroom::apps {

/// Asks at a terminal unless `yes` (`--yes`). Away from a terminal returns true: there is no user
/// to ask.
bool confirmed(const char* question, bool yes);

/// The user's login name, for the audit record.
std::string user_name();

}  // namespace greenroom::apps
