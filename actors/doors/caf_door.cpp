#include "actors/doors/caf_door.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::task_answer, protocols::task_order;

namespace {

task_answer answer_of(const protocols::task& job) {
  task_answer result;
  result.id = protocols::to_string(job.id);
  result.state = static_cast<std::uint8_t>(job.end_state);
  result.failure = static_cast<std::uint8_t>(job.why);
  result.output = job.output;
  result.attempts = job.attempts;
  result.cold_start = job.cold_start;
  return result;
}

// Tells the door how one order ended.
class order_asker final : public protocols::asker {
public:
  order_asker(caf::actor door, machine::task_ledger* ledger, std::uint64_t ticket)
      : door_{std::move(door)}, ledger_{ledger}, ticket_{ticket} {}
  void on_end(const protocols::task& job) noexcept override { tell(answer_of(job)); }
  void on_existing(const protocols::task_id& id) noexcept override {
    // The same request is known; its end, when it has one, is this order's end too.
    task_answer known;
    known.id = protocols::to_string(id);
    if (const auto job = ledger_->find(id); job && job->ended()) known = answer_of(*job);
    tell(std::move(known));
  }

private:
  void tell(task_answer answer) {
    caf::anon_send(door_, protocols::report_atom::value, ticket_, std::move(answer));
  }
  caf::actor door_;
  machine::task_ledger* ledger_;
  std::uint64_t ticket_;
};

task_request request_of(task_order order) {
  task_request result;
  result.specialist = std::move(order.specialist);
  result.department = std::move(order.department);
  result.command = std::move(order.command);
  result.input = std::move(order.input);
  result.urgency = static_cast<protocols::priority>(
      std::min<std::uint8_t>(order.urgency, static_cast<std::uint8_t>(protocols::priority::high)));
  if (order.timeout_ms > 0) result.timeout = std::chrono::milliseconds{order.timeout_ms};
  result.durable = order.durable;
  result.idempotency_key = std::move(order.idempotency_key);
  result.case_id = std::move(order.case_id);
  return result;
}

}  // namespace

caf_door_self::behavior_type caf_door(caf_door_self::stateful_pointer<caf_door_state> self,
                                      machine::task_ledger* ledger, admission* desk) {
  return {
      [=](protocols::work_atom, task_order& order) -> caf::result<task_answer> {
        auto promise = self->make_response_promise<task_answer>();
        const auto ticket = ++self->state.last_ticket;
        auto outcome = desk->submit(
            request_of(std::move(order)),
            std::make_shared<order_asker>(caf::actor_cast<caf::actor>(self), ledger, ticket));
        auto* none = std::get_if<refusal>(&outcome);
        if (none == nullptr) {
          self->state.promises.emplace(ticket, promise);
          return promise;
        }
        task_answer refused;
        refused.state = static_cast<std::uint8_t>(protocols::task_state::failed);
        refused.failure = static_cast<std::uint8_t>(none->why);
        refused.output = std::move(none->detail);
        refused.retry_after_ms = static_cast<std::uint64_t>(none->retry_after.count());
        promise.deliver(std::move(refused));
        return promise;
      },
      [=](protocols::drop_atom, const std::string& id) {
        protocols::task_id parsed;
        if (!protocols::parse(id, parsed)) return false;
        const auto job = ledger->find(parsed);
        return job && desk->cancel(*job);
      },
      [=](protocols::report_atom, std::uint64_t ticket, task_answer& answer) {
        auto kept = self->state.promises.extract(ticket);
        if (kept) kept.mapped().deliver(std::move(answer));
      },
  };
}

}  // namespace greenroom::actors
