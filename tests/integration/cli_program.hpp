// Runs the built program like a user: returns the exit code and the output.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace greenroom::tests {

struct ran {
  int code = -1;  ///< Exit code; 128 + number when a signal ended it.
  std::string out, err;
};

/// The program under test.
std::filesystem::path program();

/// Runs the program to its end. `environment` is added to the test's own; GREENROOM_NODE is unset
/// unless given.
ran run_program(const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment = {},
                const std::string& input = {});

/// `greenroom serve` on a free port with its own data folder, stopped by the destructor.
class served_node {
public:
  /// Waits until the node listens; `address()` is then its URL. If the node ends before,
  /// `address()` is empty and `err()` says why.
  explicit served_node(std::vector<std::string> arguments);
  ~served_node();
  served_node(const served_node&) = delete;
  served_node& operator=(const served_node&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int pid() const { return pid_; }
  void signal(int number) const;
  /// Exit code; 128 + number when a signal ended it.
  int wait();
  [[nodiscard]] std::string err() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Runs a verb against this node.
  ran ask(std::vector<std::string> arguments, const std::string& input = {}) const;

private:
  std::filesystem::path folder_;
  int pid_ = 0;
  std::string address_;
};

/// A new temporary folder.
std::filesystem::path temporary_folder();
void write_file(const std::filesystem::path& file, const std::string& text);
std::string read_file(const std::filesystem::path& file);

}  // namespace greenroom::tests
