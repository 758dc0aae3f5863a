#include "actors/state/pool_records.hpp"

#include "actors/mailbox/worker_link.hpp"

namespace greenroom::actors {

specialist_record::specialist_record() = default;
specialist_record::~specialist_record() {
  if (link) link->cut();
}

void specialist_record::begin_anew() {
  vacant_since.store(0, std::memory_order_relaxed);
  gauge.forget();
  slot_wanted_since_ns.store(0, std::memory_order_relaxed);
  failed_starts.store(0, std::memory_order_relaxed);
  last_error.write([](std::string& text) { text.clear(); });
  for (auto& one : shadow_ends) one.store(0, std::memory_order_relaxed);
}

void specialist_record::abandon() {
  if (link) link->cut();
  link.reset();
  worker.reset();
  port.release_tasks();
  static_cast<void>(port.take_signals());
  definition.store(0, std::memory_order_relaxed);
  gauge.pid.store(0, std::memory_order_relaxed);
  gauge.running.store(0, std::memory_order_relaxed);
  gauge.memory_bytes.store(0, std::memory_order_relaxed);
  gauge.state.store(worker_state::cold, std::memory_order_relaxed);
}

bool pool_records::runs_old_definition(const catalog& current, protocols::pool_kind which,
                                       std::uint32_t who) const {
  const auto runs = of(which).specialists[who].definition.load(std::memory_order_relaxed);
  return runs != 0 && (current.members[who].gone || runs != current.definitions[who]);
}

}  // namespace greenroom::actors
