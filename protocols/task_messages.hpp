// A task as a message, for actors on this node or another node.
#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <string>

namespace greenroom::protocols {

/// Exactly one of `specialist`, `department` and `command` is set. `input` is JSON text.
struct task_order {
  std::string specialist{};
  std::string department{};
  std::string command{};
  std::string input = "null";
  std::uint8_t urgency = 1;      ///< protocols::priority: 0 low, 1 normal, 2 high.
  std::uint64_t timeout_ms = 0;  ///< 0: as configured. A duration, because clocks differ.
  bool durable = false;
  std::string idempotency_key{};
  std::string case_id{};
};

/// The answer to an order. A refused order has no `id`.
struct task_answer {
  std::string id;                    ///< 32 hexadecimal digits.
  std::uint8_t state = 0;            ///< protocols::task_state
  std::uint8_t failure = 0;          ///< protocols::failure; 0: none.
  std::string output;                ///< JSON text of the result, or an error message.
  std::uint64_t retry_after_ms = 0;  ///< 0: retrying does not help.
  std::uint32_t attempts = 0;
  bool cold_start = false;
};

template <class Inspector>
auto inspect(Inspector& f, task_order& x) {
  return f(caf::meta::type_name("task_order"), x.specialist, x.department, x.command, x.input,
           x.urgency, x.timeout_ms, x.durable, x.idempotency_key, x.case_id);
}
template <class Inspector>
auto inspect(Inspector& f, task_answer& x) {
  return f(caf::meta::type_name("task_answer"), x.id, x.state, x.failure, x.output,
           x.retry_after_ms, x.attempts, x.cold_start);
}

}  // namespace greenroom::protocols
