// Ports under real threads: the one part of the tree whose order a test cannot choose.
#include "actors/mailbox/port.hpp"

#include "actors/mailbox/draining_actor.hpp"
#include "actors/mailbox/ring_port.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

namespace greenroom::actors {
namespace {

using protocols::task_ptr;
using counting_actor = caf::typed_actor<caf::reacts_to<int>>;
using woken_actor = caf::typed_actor<caf::reacts_to<caf::ok_atom>>;

struct two_ports {
  task_port first, second;
  std::size_t wanted = 0;
  std::size_t taken = 0;
  std::counting_semaphore<> done{0};
};

/// Goes to sleep and is woken repeatedly within one message.
class restless final : public draining_actor<counting_actor> {
public:
  restless(caf::actor_config& cfg, two_ports& from, machine::task_ledger& ledger)
      : draining_actor{cfg}, from_{from}, ledger_{ledger} {}

protected:
  void drain() override {
    take();
    for (; rung_ < from_.wanted; ++rung_) {
      while (!from_.first.try_sleep()) take();
      from_.first.push(ledger_.acquire(), context());
      take();
    }
    while (!from_.first.try_sleep()) take();
    // Only a message that passes the mailbox shows that the mailbox is intact.
    send(this, 1);
  }
  behavior_type make_behavior() override {
    from_.first.attach(caf::strong_actor_ptr{ctrl()});
    from_.first.mark_awake();
    drain();
    return {[this](int) { from_.done.release(); }};
  }

private:
  void take() {
    for (auto* at = from_.first.take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      task_ptr::adopt(at);
      ++from_.taken;
      at = after;
    }
  }

  two_ports& from_;
  machine::task_ledger& ledger_;
  std::size_t rung_ = 0;
};

TEST(Port, MayRingAgainBeforeTheLastWakeUpWasTakenOut) {
  machine::task_ledger ledger{64, 1};
  two_ports ports;
  ports.wanted = 5;
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  auto who = system.spawn<restless>(ports, ledger);
  // One run at the start, and one for the five wake-ups together.
  ports.done.acquire();
  ports.done.acquire();
  EXPECT_EQ(ports.taken, 5u);
  caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
}

/// Like the dispatcher, may find its second port filled after its first one went to sleep.
class taker final : public draining_actor<counting_actor> {
public:
  taker(caf::actor_config& cfg, two_ports& from) : draining_actor{cfg}, from_{from} {}

protected:
  void drain() override {
    do {
      take(from_.first);
      take(from_.second);
    } while (!from_.first.try_sleep() || !from_.second.try_sleep());
    if (from_.taken == from_.wanted) from_.done.release();
  }
  behavior_type make_behavior() override {
    from_.first.attach(caf::strong_actor_ptr{ctrl()});
    from_.second.attach(caf::strong_actor_ptr{ctrl()});
    from_.first.mark_awake();
    from_.second.mark_awake();
    drain();
    return {[](int) {}};
  }

private:
  void take(task_port& port) {
    for (auto* at = port.take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      task_ptr::adopt(at);
      ++from_.taken;
      at = after;
    }
  }

  two_ports& from_;
};

TEST(Port, NeverPutsAWakeUpIntoAMailboxTwice) {
  constexpr std::size_t each = 100'000;
  constexpr std::size_t producers = 3;
  machine::task_ledger ledger{std::size_t{1} << 12, 1};
  two_ports ports;
  ports.wanted = each * producers;
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system system{config};
  auto who = system.spawn<taker>(ports);
  std::vector<std::thread> threads;
  for (std::size_t p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (std::size_t i = 0; i < each; ++i) {
        auto job = ledger.acquire();
        while (!job) {
          std::this_thread::yield();
          job = ledger.acquire();
        }
        auto& port = (i + p) % 2 == 0 ? ports.first : ports.second;
        port.push(std::move(job), nullptr);
      }
    });
  for (auto& one : threads) one.join();
  // A wake-up that is lost, or twice in the mailbox, leaves tasks behind.
  EXPECT_TRUE(ports.done.try_acquire_for(std::chrono::minutes{1}));
  caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  who = nullptr;
  system.await_all_actors_done();
  EXPECT_EQ(ports.taken, each * producers);
  EXPECT_EQ(ledger.alive(), 0u);
}

struct never_done {
  ring_port<int, machine::ingress_ring> port{4};
  std::size_t turns = 0;
  caf::actor neighbour;
};

/// Always has more work, like the dispatcher under load, and yields in between.
class tireless final : public draining_actor<woken_actor> {
public:
  tireless(caf::actor_config& cfg, never_done& work) : draining_actor{cfg}, work_{work} {}

protected:
  void drain() override {
    // Through the scheduler, like any other actor that waits for its turn.
    if (++work_.turns == 1) caf::anon_send(work_.neighbour, 1);
    if (work_.turns == 1000) return;
    work_.port.yield(context());
    yield();
  }
  behavior_type make_behavior() override {
    work_.port.attach(caf::strong_actor_ptr{ctrl()});
    return {[this](caf::ok_atom) { work_.port.yield(context()); }};
  }

private:
  never_done& work_;
};

TEST(Port, LetsOthersRunBetweenTheTurnsOfOneThatIsNeverDone) {
  never_done work;
  std::size_t turns = 0;
  std::binary_semaphore heard{0};
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  work.neighbour = system.spawn([&] {
    return caf::behavior{[&](int) {
      turns = work.turns;
      heard.release();
    }};
  });
  auto who = system.spawn<tireless>(work);
  caf::anon_send(who, caf::ok_atom::value);
  heard.acquire();
  EXPECT_EQ(turns, 1u);
  caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(work.neighbour, caf::exit_reason::user_shutdown);
  work.neighbour = nullptr;
  work.port.attach({});
}

struct always_filled {
  ring_port<int, machine::ingress_ring> port{4};
  std::size_t taken = 0;
  caf::actor neighbour;
};

/// Finds something each time, like the dispatcher while its callers keep up.
class insatiable final : public draining_actor<woken_actor> {
public:
  insatiable(caf::actor_config& cfg, always_filled& work) : draining_actor{cfg}, work_{work} {}

protected:
  bool take_some() override {
    if (++work_.taken == 1) caf::anon_send(work_.neighbour, 1);
    return work_.taken < 1000;
  }
  void drain() override {
    if (work_.taken >= 1000) return;
    work_.port.yield(context());
    yield();
  }
  behavior_type make_behavior() override {
    work_.port.attach(caf::strong_actor_ptr{ctrl()});
    return {[this](caf::ok_atom) { work_.port.yield(context()); }};
  }

private:
  always_filled& work_;
};

TEST(Port, LetsOthersRunAfterAFewBatchesOfOneThatIsAlwaysFilled) {
  always_filled work;
  std::size_t taken = 0;
  std::binary_semaphore heard{0};
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  work.neighbour = system.spawn([&] {
    return caf::behavior{[&](int) {
      taken = work.taken;
      heard.release();
    }};
  });
  auto who = system.spawn<insatiable>(work);
  caf::anon_send(who, caf::ok_atom::value);
  heard.acquire();
  EXPECT_EQ(taken, 4u);
  caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(work.neighbour, caf::exit_reason::user_shutdown);
  work.neighbour = nullptr;
  work.port.attach({});
}

}  // namespace
}  // namespace greenroom::actors
