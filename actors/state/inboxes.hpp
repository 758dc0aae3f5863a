// The queues of the two actors that every task may pass: the dispatcher and the journal. They
// outlive both actors, so a replacement continues with what its predecessor had not finished.
#pragma once

#include "actors/mailbox/port.hpp"
#include "actors/mailbox/ring_port.hpp"
#include "actors/state/synchronized.hpp"
#include "protocols/task.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::actors {

struct dispatcher_inbox {
  explicit dispatcher_inbox(std::size_t tasks_max) : door{tasks_max} {}

  /// Admitted tasks, from the callers' threads. The ring owns one reference to each task.
  ring_port<protocols::task*, machine::ingress_lanes> door;
  task_port returned;  ///< From the journal, and from departments whose pool is being left.
  std::atomic<bool> ticking{false};  ///< A timer of the dispatcher runs; departments may use it.
  /// Tasks that the dispatcher has taken out of the ring and not yet passed on.
  std::vector<protocols::task_ptr> pending;
};

/// What the journal is to write about a task. Owns one reference to the task.
struct journal_note {
  enum class kind : std::uint8_t { accepted, started, ended };
  protocols::task* job = nullptr;
  kind what = kind::accepted;
};

struct journal_inbox {
  explicit journal_inbox(std::size_t notes_max) : notes{notes_max} {}

  ring_port<journal_note, machine::ingress_ring> notes;  ///< From every thread.
  bool on = false;  ///< The node has a journal. Set before the actors start.
  /// Notes that the journal has taken out of the ring and not yet written.
  std::vector<journal_note> pending;
  /// The key that requests are hashed with. Set before the actors start.
  std::pair<std::uint64_t, std::uint64_t> hash_key;

  /// What is wrong with the journal, for callers and for alerts.
  struct trouble {
    std::string why_not;        ///< Why it cannot be written now; empty: it can.
    std::string damage;         ///< The last damage that was found.
    std::uint64_t changes = 0;  ///< How often this has changed.
  };
  synchronized<trouble> troubles;
};

}  // namespace greenroom::actors
