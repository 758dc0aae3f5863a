// One specialist: one worker's life, and the tasks that are in its hands.
#pragma once

#include "actors/mailbox/worker_link.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/state/worker_sources.hpp"
#include "actors/tasks/completion.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <vector>

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
  completion& ending;
};

/// cold → warming → warm ⇄ busy → cooling → cold. Takes from its department: `warm_up_atom` (start
/// the worker), `cool_atom` (stop it), `drop_atom` (nobody waits for those of your tasks that have
/// ended: stop working on them), `check_atom` (is it alive?). Tells its department `worker_news`,
/// and gives tasks back through the department's port. Dies with its department.
class specialist : public draining_actor {
public:
  specialist(caf::actor_config& cfg, const specialist_parts& parts, std::uint32_t index,
             protocols::pool_kind pool, caf::actor department);
  ~specialist() override;

  [[nodiscard]] const char* name() const override { return "greenroom.specialist"; }

protected:
  caf::behavior make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  void warm_up();
  void cool();
  void drop_ended();
  void check();
  void leave(bool fence);
  void became_ready();
  void worker_gone();
  void take(protocols::task_ptr job);
  void run(protocols::task_ptr job);
  void finish(protocols::task_ptr job);
  void give_back(protocols::task_ptr job, protocols::task_phase phase);
  void tell(protocols::worker_news news);
  void show(worker_state state);
  [[nodiscard]] std::int64_t now_ns() const { return parts_.clock.now_ns(); }
  [[nodiscard]] const member& me() const { return parts_.catalogs.now().members[index_]; }

  specialist_parts parts_;
  std::uint32_t index_;
  protocols::pool_kind pool_;
  caf::actor department_;
  specialist_record& record_;
  department_record& above_;
  worker_state state_ = worker_state::cold;
  std::vector<protocols::task_ptr> running_;
  std::vector<protocols::task_ptr> next_;  // Handed out ahead, so that the worker is never idle.
  std::int64_t start_begun_ns_ = 0;
  bool ping_unanswered_ = false;
  bool fencing_ = false;               // What its worker lets go of is to be done by another one.
  std::int64_t overdue_since_ns_ = 0;  // Since when it has worked on what nobody waits for.
};

}  // namespace greenroom::actors
