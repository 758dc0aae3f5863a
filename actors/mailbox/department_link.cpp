#include "actors/mailbox/department_link.hpp"

namespace greenroom::actors {

bool local_department::wake_if_due(std::int64_t now_ns, caf::execution_unit* unit) {
  auto due_ns = wake_at_ns_.load(std::memory_order_seq_cst);
  if (due_ns == 0) return false;
  if (due_ns > now_ns) return true;
  if (wake_at_ns_.compare_exchange_strong(due_ns, 0)) port_.signal(due_bit, unit);
  return false;
}

}  // namespace greenroom::actors
