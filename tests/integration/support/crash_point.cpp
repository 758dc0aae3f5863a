// Preloaded into a node: kills the node right after a step of a rollout or a rollback became
// durable, once for each new step. The step is read from the record that is bound to SQLite, so no
// step can be forgotten, and the program under test has no hook. CRASH_BOOK names the file in which
// the steps are listed, one a line.
#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The journal has one writer, so the values bound between two commits need no lock. The lists are
// never destroyed: actors may still write while the process ends.
std::vector<std::string>& uncommitted() {
  static auto* const steps = new std::vector<std::string>;
  return *steps;
}

std::vector<std::string>& known_steps() {
  static auto* const known = [] {
    auto* const read = new std::vector<std::string>;
    if (const char* path = std::getenv("CRASH_BOOK"); path != nullptr) {
      std::ifstream book{path};
      for (std::string line; std::getline(book, line);) read->push_back(line);
    }
    return read;
  }();
  return *known;
}

std::string_view value_of(std::string_view record, std::string_view key) {
  const auto line = "\n" + std::string{key} + "=";
  const auto at = record.find(line);
  if (at == std::string_view::npos) return {};
  const auto from = at + line.size();
  return record.substr(from, record.find('\n', from) - from);
}

/// The kind of the last decision of a rollout: the fourth field of its line.
std::string_view last_decision(std::string_view record) {
  auto at = record.rfind("\ndecision=");
  if (at == std::string_view::npos) return "none";
  for (int i = 0; i < 3; ++i) at = record.find('\t', at + 1);
  return record.substr(at + 1, record.find('\t', at + 1) - at - 1);
}

void see(std::string_view text) {
  std::string step;
  const auto add = [&step](std::string_view part) { (step += ' ') += part; };
  if (text.starts_with("greenroom-rollout ")) {
    step = "rollout";
    add(value_of(text, "phase"));
    add(value_of(text, "percentage"));
    add(value_of(text, "standing"));
    add(last_decision(text));
  } else if (text.starts_with("greenroom-rollback ")) {
    step = "rollback";
    add(value_of(text, "kind"));
    add(value_of(text, "state"));
    add(value_of(text, "percentage"));
  } else {
    return;
  }
  uncommitted().push_back(std::move(step));
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int sqlite3_bind_text64(sqlite3_stmt* into, int place, const char* text,
                                   sqlite3_uint64 bytes, void (*release)(void*),
                                   unsigned char encoding) {
  static auto* const next = real<decltype(sqlite3_bind_text64)>("sqlite3_bind_text64");
  if (text != nullptr) see({text, static_cast<std::size_t>(bytes)});
  return next(into, place, text, bytes, release, encoding);
}

extern "C" int sqlite3_step(sqlite3_stmt* statement) {
  static auto* const next = real<decltype(sqlite3_step)>("sqlite3_step");
  const int code = next(statement);
  const char* path = std::getenv("CRASH_BOOK");
  if (path == nullptr || uncommitted().empty()
      || sqlite3_get_autocommit(sqlite3_db_handle(statement)) == 0)
    return code;
  for (const auto& step : uncommitted()) {
    if (std::ranges::find(known_steps(), step) != known_steps().end()) continue;
    const int book = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const auto line = step + "\n";
    if (::write(book, line.data(), line.size()) == static_cast<ssize_t>(line.size()))
      ::kill(::getpid(), SIGKILL);
  }
  uncommitted().clear();
  return code;
}
