// What the tests of workers share: an engine, tasks from a ledger, and a witness of what happens.
#pragma once

#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine::testing {

/// Long enough for any machine; a test that waits so long has failed.
constexpr std::chrono::seconds patience{30};

/// Remembers what a worker tells, and lets a test wait for it.
class witness final : public worker_events {
public:
  struct ending {
    protocols::task_ptr job;
    protocols::attempt_result result;
  };

  void on_ready() noexcept override {
    note([this] { ++ready_; });
  }
  void on_result(protocols::task_ptr job, protocols::attempt_result result) noexcept override {
    note([&] { endings_.push_back({std::move(job), std::move(result)}); });
  }
  void on_chunk(const protocols::task_ptr&, std::string_view piece) noexcept override {
    note([&] { chunks_.emplace_back(piece); });
  }
  void on_pong() noexcept override {
    note([this] { ++pongs_; });
  }
  void on_stray(std::string_view) noexcept override {
    note([this] { ++strays_; });
  }
  void on_tools(std::shared_ptr<const protocols::tool_effects> tools) noexcept override {
    note([&] { tools_ = std::move(tools); });
  }
  void on_gone(departure why) noexcept override {
    note([&] {
      ++gone_;
      departure_ = std::move(why);
    });
  }
  void log(std::string_view line) {
    note([&] { lines_.emplace_back(line); });
  }

  bool ready() {
    return wait([this] { return ready_ > 0 || gone_ > 0; }) && ready_ > 0;
  }
  bool pong() {
    return wait([this] { return pongs_ > 0; });
  }
  bool ended(std::size_t count = 1) {
    return wait([this, count] { return endings_.size() >= count; });
  }
  bool chunked(std::size_t count) {
    return wait([this, count] { return chunks_.size() >= count; });
  }
  std::shared_ptr<const protocols::tool_effects> tools() {
    static_cast<void>(wait([this] { return tools_ != nullptr; }));
    const std::lock_guard lock{mutex_};
    return tools_;
  }
  bool has_tools(std::size_t count) {
    return wait([this, count] { return tools_ != nullptr && tools_->size() == count; });
  }
  int strays() {
    const std::lock_guard lock{mutex_};
    return strays_;
  }
  bool gone() {
    return wait([this] { return gone_ > 0; });
  }
  bool logged(std::string_view part) {
    return wait([&] {
      for (const auto& line : lines_)
        if (line.find(part) != std::string::npos) return true;
      return false;
    });
  }

  // Once what was waited for has happened, these are read under the lock.
  protocols::attempt_result result(std::size_t index = 0) {
    const std::lock_guard lock{mutex_};
    return index < endings_.size() ? endings_[index].result : protocols::attempt_result{};
  }
  protocols::task_ptr job(std::size_t index) {
    const std::lock_guard lock{mutex_};
    return endings_[index].job;
  }
  std::vector<std::string> chunks() {
    const std::lock_guard lock{mutex_};
    return chunks_;
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  std::size_t endings() {
    const std::lock_guard lock{mutex_};
    return endings_.size();
  }
  int times_ready() {
    const std::lock_guard lock{mutex_};
    return ready_;
  }
  int times_gone() {
    const std::lock_guard lock{mutex_};
    return gone_;
  }
  departure how() {
    const std::lock_guard lock{mutex_};
    return departure_;
  }

private:
  template <class Change>
  void note(Change change) {
    {
      const std::lock_guard lock{mutex_};
      change();
    }
    changed_.notify_all();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int ready_ = 0, gone_ = 0, pongs_ = 0, strays_ = 0;
  std::shared_ptr<const protocols::tool_effects> tools_;
  std::vector<ending> endings_;
  std::vector<std::string> chunks_, lines_;
  departure departure_;
};

inline std::string in_tree(const std::string& path) {
  return std::string{GREENROOM_SOURCE_DIR} + "/" + path;
}

inline config::specialist speaks(config::worker_protocol protocol,
                                 std::vector<std::string> command) {
  config::specialist who;
  who.name = "api-architect";
  who.backend.protocol = protocol;
  who.backend.command = std::move(command);
  return who;
}

/// A specialist whose worker misbehaves in that way (tests/workers/odd.py). Python without its site
/// packages starts in some 7 ms.
inline config::specialist odd(const std::string& how) {
  return speaks(config::worker_protocol::jsonl,
                {"python3", "-S", in_tree("tests/workers/odd.py"), how});
}

/// An engine, a ledger and one worker with its witness.
class stage {
public:
  explicit stage(config::specialist who, const callable* function = nullptr)
      : stage{std::move(who), worker_surroundings{}, function} {}
  stage(config::specialist who, worker_surroundings where, const callable* function = nullptr)
      : specialist{std::move(who)} {
    where.io = &io;
    where.bin_directory = std::string{GREENROOM_BINARY_DIR} + "/bin";
    if (where.department.empty()) where.department = "BACKEND";
    if (where.pool.empty()) where.pool = "intelligent";
    where.log = [seen = seen](std::string_view, std::string_view line) { seen->log(line); };
    io.start();
    work = make_worker(specialist, where, function, seen);
    work->start();
  }
  ~stage() { work.reset(); }

  protocols::task_ptr task(std::string input) {
    auto job = ledger.acquire();
    job->input = std::move(input);
    job->attempts = 1;
    return job;
  }
  /// Runs it and waits for its end.
  protocols::attempt_result run(std::string input) {
    const auto before = seen->endings();
    work->run(task(std::move(input)));
    if (!seen->ended(before + 1)) return {protocols::failure::out_of_time, false, "no answer"};
    return seen->result(before);
  }

  config::specialist specialist;
  task_ledger ledger{1024, 0x0123456789abcdefULL};
  std::shared_ptr<witness> seen = std::make_shared<witness>();
  engine io{2};
  std::shared_ptr<worker> work;
};

}  // namespace greenroom::machine::testing
