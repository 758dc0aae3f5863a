// The front desk: what happens at the door, on the caller's own thread, without asking any actor.
#pragma once

#include "actors/house.hpp"
#include "actors/node.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace greenroom::actors {

/// Looks names up, decides admission from atomic counters, and puts what is admitted into the ring.
/// From any thread.
class front_desk {
public:
  explicit front_desk(house& where) : house_{where} {}

  std::variant<protocols::task_id, refusal> submit(task_request request,
                                                   std::shared_ptr<protocols::asker> who);
  /// An unfinished task of an earlier life of the node goes on. False when there is no room yet.
  bool resume(const machine::stored_task& stored);
  bool cancel(protocols::task& job);

  /// The specialist that is meant, or why there is none.
  [[nodiscard]] std::variant<std::uint32_t, refusal> find(const task_request& request) const;
  [[nodiscard]] std::variant<std::uint32_t, refusal> find(std::string_view specialist) const;
  /// Who of a department answers best now: warm before cold, then the shortest line, then the most
  /// important. Nobody when the department is empty.
  [[nodiscard]] std::uint32_t best_of(std::uint32_t department) const;

  /// Which pool answers when nothing else decides.
  void set_pool(protocols::pool_kind kind) { pool_.store(kind, std::memory_order_relaxed); }
  [[nodiscard]] protocols::pool_kind pool() const {
    return pool_.load(std::memory_order_relaxed);
  }

private:
  std::optional<refusal> admit(std::uint32_t who, const member& one, const task_request& request,
                               protocols::pool_kind pool, std::int64_t now_ns,
                               std::int64_t patience_ns, bool durable);
  house& house_;
  std::atomic<protocols::pool_kind> pool_{protocols::pool_kind::intelligent};
};

}  // namespace greenroom::actors
