// A specialist: one worker and the tasks that the worker has.
#pragma once

#include "actors/mailbox/draining_actor.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/state/worker_sources.hpp"
#include "actors/tasks/specialist_tasks.hpp"
#include "actors/tasks/specialist_worker.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace greenroom::actors {

/// What a specialist works with.
struct specialist_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  const worker_sources& workers;
  tool_offers& offers;
  task_completion& ending;
};

/// Takes tasks through its port and gives them back through its department's. Tells the department
/// what happens to the worker. Dies with the department.
class specialist final : public draining_actor<protocols::specialist_actor> {
public:
  specialist(caf::actor_config& cfg, const specialist_parts& parts, std::uint32_t index,
             protocols::pool_kind pool, protocols::department_actor department);

  [[nodiscard]] const char* name() const override { return "greenroom.specialist"; }

protected:
  behavior_type make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  void start_worker();
  void stop_worker();
  void on_ready();
  void on_worker_gone();
  void drop_ended_tasks();
  void give_back_tasks(bool fence);

  unexpected_messages& unexpected_;
  const catalog_store& catalogs_;
  std::uint32_t index_;
  protocols::department_actor department_;
  specialist_record& record_;
  specialist_worker worker_;
  specialist_tasks tasks_;
};

}  // namespace greenroom::actors
