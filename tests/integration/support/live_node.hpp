// A node as an operator runs it: a process, a configuration file, a data folder that outlives the
// process, and Python workers that log their starts and tasks.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::tests {

using json = nlohmann::json;

/// Polls until the condition holds. False when it did not hold within the time, which is long: only
/// a failing test waits for the end of the time, and a machine may be busy.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds within = std::chrono::seconds{30}) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

struct answer {
  int status = 0;  ///< 0: the connection ended before there was one.
  std::string head;
  json body = json::object();
  std::string text;  ///< The body as it came.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::string type() const { return body.value("type", ""); }
  [[nodiscard]] std::string detail() const { return body.value("detail", ""); }
  [[nodiscard]] std::string id() const { return body.value("id", ""); }
  [[nodiscard]] std::string state() const { return body.value("state", ""); }
};

/// One specialist with told_worker.py as its worker.
struct player {
  std::string name{};
  std::string options{};  ///< Of the worker, separated by spaces.
  std::string backend{};  ///< More lines of its backend, separated by newlines.
  std::string more{};     ///< More lines of the specialist.
};

class live_node {
public:
  /// Starts nothing yet. `settings`: top-level YAML without departments.
  live_node(const std::string& settings, const std::vector<player>& cast,
            const std::string& workflows = {});
  ~live_node();
  live_node(const live_node&) = delete;
  live_node& operator=(const live_node&) = delete;

  /// Writes the configuration file; the node reads the file at its next start or SIGHUP.
  void configure(const std::string& settings, const std::vector<player>& cast,
                 const std::string& workflows = {});
  void write_configuration(const std::string& yaml) const;
  /// A file in the node's folder.
  void write_file(const std::string& name, std::string_view text) const;
  /// The interpreter that workers are run with.
  static std::string python();
  /// The YAML of one department with these specialists.
  [[nodiscard]] std::string department(const std::string& name,
                                       const std::vector<player>& cast) const;

  /// Set in the environment of the node at its next starts.
  void set_environment(const std::string& name, const std::string& value) {
    environment_.emplace_back(name, value);
  }

  /// Limit on open files for the next starts (RLIMIT_NOFILE, soft and hard).
  void limit_files(std::size_t soft, std::size_t hard) { files_ = {soft, hard}; }
  /// From the next start on the node sees no control groups. False: only root can hide them.
  bool hide_control_groups();

  /// True when it listens; false when it ended before, and then `exit_code` says how.
  bool start(const std::string& data = {});
  void signal(int number) const;
  /// Exit code, 128 + number of the signal that ended it, or -1 when it did not end in time.
  int wait(std::chrono::milliseconds within = std::chrono::seconds{30});
  void kill();  ///< SIGKILL, and waits for its end.
  /// True once the process has ended by itself, or by a signal that is not from this object.
  [[nodiscard]] bool gone();
  [[nodiscard]] int exit_code() const { return exit_code_; }
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string errors() const;  ///< What it wrote to stderr in all its lives.

  [[nodiscard]] answer ask(std::string_view method, std::string_view path,
                           const std::string& body = {}) const;
  [[nodiscard]] answer get(std::string_view path) const { return ask("GET", path); }
  [[nodiscard]] answer task(const json& body) const {
    return ask("POST", "/v1/tasks", body.dump());
  }
  [[nodiscard]] answer task(const std::string& specialist, const json& input) const {
    return task(json{{"specialist", specialist}, {"input", input}});
  }
  /// The same on a thread of its own.
  [[nodiscard]] std::future<answer> begin(json body) const;
  [[nodiscard]] std::future<answer> begin(const std::string& specialist, const json& input) const {
    return begin(json{{"specialist", specialist}, {"input", input}});
  }
  [[nodiscard]] std::string state_of(const std::string& specialist) const;
  /// Polls a task until its end; returns the last view.
  [[nodiscard]] answer ended(const std::string& id,
                             std::chrono::milliseconds within = std::chrono::seconds{30}) const;

  // -- the workers' log --
  [[nodiscard]] std::vector<std::vector<std::string>> log() const;
  /// Number of lines that begin with these words: ("start", specialist) or ("run", specialist,
  /// task).
  [[nodiscard]] std::size_t count(const std::string& what, const std::string& name = {},
                                  const std::string& third = {},
                                  const std::string& token = {}) const;
  [[nodiscard]] std::vector<int> pids(const std::string& what, const std::string& name) const;
  /// Touches a file that tasks or starts wait for.
  void release(const std::string& file) const;
  /// The workers' processes that exist now, including processes that are ending.
  [[nodiscard]] std::set<int> workers() const;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
  std::filesystem::path folder_;
  std::vector<std::pair<std::string, std::string>> environment_;
  std::pair<std::size_t, std::size_t> files_{};
  bool groups_hidden_ = false;
  int pid_ = 0;
  std::uint16_t port_ = 0;
  int exit_code_ = -1;
};

[[nodiscard]] bool is_alive(int pid);
/// Resident memory in KiB.
[[nodiscard]] std::size_t resident_kib(int pid);
/// Names "s0", "s1" …
[[nodiscard]] std::vector<player> many(std::size_t count, const player& like = {});

}  // namespace greenroom::tests
