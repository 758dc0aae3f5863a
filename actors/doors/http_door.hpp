// The HTTP door of a node: every route of the contract, from the request to the node and back.
#pragma once

#include "actors/node/node.hpp"
#include "actors/state/catalog.hpp"
#include "runtime/machine/http/server.hpp"
#include "runtime/machine/io/engine.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace greenroom::doors {

/// What became of a reload that was asked for.
struct reload_outcome {
  std::string source;                 ///< The file or profile that was read.
  std::vector<std::string> problems;  ///< Empty: it was applied, else nothing was changed.
  std::vector<std::string> warnings;
  std::string change;       ///< What was applied, in words.
  std::size_t workers = 0;  ///< That run an old definition until they are idle and replaced.
};

struct http_door_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one.
  config::limits limits;
  /// The cast in force; called on any thread, for the names of a task's specialist.
  std::function<const actors::catalog&()> playing;
  /// The firing alerts as one JSON array, `[…]`. Empty: there are none.
  std::function<std::string()> alerts;
  /// Reads the configuration again and calls back, on any thread, once. Empty: nobody can.
  std::function<void(std::function<void(const reload_outcome&)> done)> reload;
  /// Begins to end the program, after a drain or at once. Empty: nobody can.
  std::function<void(bool at_once)> stop;
};

class http_door {
public:
  /// Takes requests when this returns. An error is a sentence.
  /// @pre `on` is started. `of` and `on` outlive the door.
  static std::variant<std::unique_ptr<http_door>, std::string> open(node& of, machine::engine& on,
                                                                    http_door_options options);
  ~http_door();  ///< Closes at once.
  http_door(const http_door&) = delete;
  http_door& operator=(const http_door&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] machine::http::server_counters counters() const;
  /// Takes no new connection; those that are there still get their answers. Event streams end.
  void stop_accepting();
  void close();

private:
  struct parts;
  explicit http_door(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::doors
