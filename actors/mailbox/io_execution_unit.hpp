// Lets an I/O thread run the actors that its own handlers woke, without a hand-over. What it is
// worth: `greenroom-bench process-rtt`, whose answers arrive on an I/O thread.
#pragma once

#include "actors/mailbox/catalog_reader.hpp"
#include "runtime/machine/io/engine.hpp"

#include <boost/asio/post.hpp>
#include <caf/all.hpp>

#include <cstddef>
#include <deque>

namespace greenroom::actors {

/// A CAF execution unit beside an event loop. An actor that a handler wakes runs here right after
/// the handler, unless the actor runs on another thread already.
class io_execution_unit final : public caf::execution_unit, public machine::engine::companion {
public:
  io_execution_unit(caf::actor_system& system, boost::asio::io_context& loop,
                    std::size_t max_throughput)
      : caf::execution_unit{&system}, loop_{loop}, max_throughput_{max_throughput} {
    current() = this;
  }
  ~io_execution_unit() override {
    current() = nullptr;
    for (auto* job : ready_) system().scheduler().enqueue(job);
  }

  /// The unit of the calling thread; null on every other thread.
  static io_execution_unit*& current() {
    thread_local io_execution_unit* mine = nullptr;
    return mine;
  }

  void exec_later(caf::resumable* job) override { ready_.push_back(job); }

  void drain() override {
    catalog_reader::turn();
    // Bounded, so that chatty actors cannot keep the sockets waiting.
    for (std::size_t turns = 0; turns < turns_max && !ready_.empty(); ++turns) {
      auto* job = ready_.front();
      ready_.pop_front();
      if (job->resume(this, max_throughput_) == caf::resumable::resume_later)
        ready_.push_back(job);
      else
        job->intrusive_ptr_release_impl();
    }
    if (!ready_.empty()) boost::asio::post(loop_, [] {});
    catalog_reader::turn();  // The next event may come much later.
  }

private:
  static constexpr std::size_t turns_max = 256;

  boost::asio::io_context& loop_;
  std::size_t max_throughput_;
  std::deque<caf::resumable*> ready_;
};

}  // namespace greenroom::actors
