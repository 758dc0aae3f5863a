// What every verb of the command line shares: exit codes, groups and checks of options.
#pragma once

#include <CLI/CLI.hpp>

#include <sstream>
#include <string>

namespace greenroom::apps {

/// The program's exit codes.
enum exit_code : int {
  done = 0,         ///< The operation was carried out.
  failed = 1,       ///< The operation failed, or a threshold was missed.
  wrong_usage = 2,  ///< The command line or the configuration is wrong; nothing was started.
  unreachable = 3,  ///< The node did not answer.
};

/// Set by the callback of the verb that ran; `main` returns it.
struct outcome {
  int code = done;
};

/// A number from `from` to `to`. Unlike `CLI::Range` this refuses "nan".
inline CLI::Validator within(double from, double to) {
  return {[=](const std::string& text) {
            double value = 0;
            const bool good =
                CLI::detail::lexical_cast(text, value) && value >= from && value <= to;
            std::ostringstream wanted;
            wanted << text << " is not between " << from << " and " << to;
            return good ? std::string{} : wanted.str();
          },
          "FLOAT"};
}

/// The groups of `greenroom --help`, in display order.
namespace group {
inline constexpr const char* run = "Run";
inline constexpr const char* work = "Work";
inline constexpr const char* watch = "Watch";
inline constexpr const char* change = "Change";
inline constexpr const char* study = "Study";
}  // namespace group

}  // namespace greenroom::apps
