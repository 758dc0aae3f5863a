#include "runtime/machine/worker/function_worker.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/worker_line.hpp"
#include "runtime/machine/io/engine.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>

#include <cassert>
#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

namespace asio = boost::asio;
using protocols::attempt_result;
using protocols::failure;
using protocols::task_ptr;

/// Threads for callables that may block. Shared by the process and never joined, because a callable
/// that never returns must not keep the process from ending.
class call_pool {
public:
  static call_pool& shared() {
    static auto* const one = new call_pool;
    return *one;
  }

  void run(std::function<void()> call) {
    {
      const std::lock_guard lock{mutex_};
      waiting_.push_back(std::move(call));
      if (idle_ < waiting_.size() && threads_ < threads_max) add_thread();
    }
    wake_.notify_one();
  }

private:
  /// A blocked call occupies a thread; beyond this number, callables are queued.
  static constexpr std::size_t threads_max = 256;
  static constexpr std::chrono::seconds idle_time{10};

  void add_thread() {
    ++threads_;
    std::thread thread{[this] { work(); }};
    pthread_setname_np(thread.native_handle(), "gr-call");
    thread.detach();
  }

  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      ++idle_;
      const bool more = wake_.wait_for(lock, idle_time, [this] { return !waiting_.empty(); });
      --idle_;
      if (!more) break;
      const auto call = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      call();
      lock.lock();
    }
    --threads_;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0, threads_ = 0;
};

class calls final : public std::enable_shared_from_this<calls> {
public:
  calls(const worker_surroundings& where, callable function, std::shared_ptr<worker_events> events)
      : loop_{where.io->next_loop()},
        output_bytes_max_{where.output_bytes_max},
        function_{std::move(function)},
        gate_{where.calls},
        events_{std::move(events)} {}

  void start() {
    asio::post(loop_, [self = shared_from_this()] {
      if (const auto observer = self->events()) observer->on_ready();
    });
  }

  void run(task_ptr job) {
    if (function_.inline_run) {
      auto result = call_now(function_, *job, output_bytes_max_);
      if (const auto observer = events()) observer->on_result(std::move(job), std::move(result));
      return;
    }
    {
      const std::lock_guard lock{mutex_};
      ++under_way_;
      waiting_.push_back({std::move(job), {}});
    }
    // The pool thread takes its call from `waiting_`, so that the worker can drop queued calls.
    call_pool::shared().run(
        [self = shared_from_this(), place = std::make_shared<call_gate::ticket>(gate_)]() mutable {
          self->run_next();
          // In this order: the callable must be destroyed before the gate opens.
          self.reset();
          place.reset();
        });
  }

  void cancel(const task_ptr& job) { ask_to_stop(job.get()); }

  void stop() {
    bool idle = false;
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      idle = under_way_ == 0;
    }
    if (idle)
      asio::post(loop_, [self = shared_from_this()] { self->depart(); });
    else
      ask_to_stop(nullptr);
  }

  void ping() {
    asio::post(loop_, [self = shared_from_this()] {
      if (const auto observer = self->events()) observer->on_pong();
    });
  }

  void abandon() {
    std::list<one_call> never_begun;
    {
      const std::lock_guard lock{mutex_};
      events_.reset();
      never_begun.swap(waiting_);
    }
    ask_to_stop(nullptr);
  }

private:
  struct one_call {
    task_ptr job;
    std::stop_source stop;
  };

  std::shared_ptr<worker_events> events() {
    const std::lock_guard lock{mutex_};
    return events_;
  }

  /// Requests a stop of this task's call, or of all calls. Without the lock: a callable may have
  /// registered a stop callback, which runs on this thread.
  void ask_to_stop(const protocols::task* only) {
    std::vector<std::stop_source> sources;
    {
      const std::lock_guard lock{mutex_};
      for (const auto* list : {&waiting_, &running_})
        for (const auto& one : *list)
          if (only == nullptr || one.job.get() == only) sources.push_back(one.stop);
    }
    for (auto& one : sources) one.request_stop();
  }

  void run_next() {
    std::list<one_call>::iterator call;
    {
      const std::lock_guard lock{mutex_};
      if (waiting_.empty()) return;
      call = waiting_.begin();
      running_.splice(running_.end(), waiting_, call);
    }
    // Only this thread removes the entry, and list iterators stay valid.
    auto result = attempt(*call);
    std::list<one_call> over;
    // Results go through the loop, so that callbacks come one at a time. Under the lock, because
    // the loop may be destroyed after the worker.
    const std::lock_guard lock{mutex_};
    over.splice(over.end(), running_, call);
    if (!events_) return;
    asio::post(loop_, [self = shared_from_this(), job = std::move(over.front().job),
                       result = std::move(result)]() mutable {
      if (const auto observer = self->events())
        observer->on_result(std::move(job), std::move(result));
      self->one_less();
    });
  }

  attempt_result attempt(const one_call& call) const {
    if (call.stop.stop_requested())
      return {failure::refused, false, "the task was cancelled before its call began"};
    return call_now(function_, *call.job, output_bytes_max_, call.stop.get_token());
  }

  void one_less() {
    {
      const std::lock_guard lock{mutex_};
      if (--under_way_ > 0 || !stopping_) return;
    }
    depart();
  }

  void depart() {
    std::shared_ptr<worker_events> observer;
    {
      const std::lock_guard lock{mutex_};
      observer = std::move(events_);
    }
    if (observer) observer->on_gone({.why = "stopped", .asked = true, .before_ready = false});
  }

  asio::io_context& loop_;
  const std::size_t output_bytes_max_;
  const callable function_;
  const std::shared_ptr<call_gate> gate_;
  std::mutex mutex_;  ///< Guards the members below.
  std::shared_ptr<worker_events> events_;
  std::list<one_call> waiting_, running_;
  std::size_t under_way_ = 0;
  bool stopping_ = false;
};

class function_worker final : public worker {
public:
  explicit function_worker(std::shared_ptr<calls> made) : calls_{std::move(made)} {}
  ~function_worker() override { calls_->abandon(); }
  void start() override { calls_->start(); }
  void run(task_ptr job) override { calls_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { calls_->cancel(job); }
  void ping() override { calls_->ping(); }
  void stop(std::chrono::milliseconds) override { calls_->stop(); }
  [[nodiscard]] int pid() const override { return 0; }

private:
  const std::shared_ptr<calls> calls_;
};

}  // namespace

attempt_result call_now(const callable& function, const protocols::task& job,
                        std::size_t output_bytes_max, std::stop_token stop) {
  using kind = borrowed_thread::kind;
  const borrowed_thread here{function.inline_run ? kind::callback : kind::callable};
  try {
    auto output = function.run(job.input, std::move(stop));
    if (output.size() > output_bytes_max)
      return {failure::refused, false,
              "the callable returned " + std::to_string(output.size())
                  + " bytes, more than limits.output_bytes (" + std::to_string(output_bytes_max)
                  + ") allows"};
    if (!base::make_json(output) || !base::number_beyond_double(output).empty())
      return {failure::refused, false,
              "the callable returned " + protocols::fault_of(output) + ": "
                  + protocols::quoted_bytes(output)};
    return {failure::none, false, std::move(output)};
  } catch (const std::exception& error) {
    return {failure::refused, false, error.what()};
  } catch (...) {
    return {failure::refused, false, "the callable threw something that is no std::exception"};
  }
}

std::shared_ptr<worker> make_function_worker(const config::specialist&,
                                             const worker_surroundings& where,
                                             const callable& function,
                                             std::shared_ptr<worker_events> events) {
  assert(where.io && function.run);
  return std::make_shared<function_worker>(
      std::make_shared<calls>(where, function, std::move(events)));
}

}  // namespace greenroom::machine
