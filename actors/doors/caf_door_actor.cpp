#include "actors/doors/caf_door_actor.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::failure;
using protocols::task_accepted, protocols::task_answer, protocols::task_cancel;
using protocols::task_order;

namespace {

// The bytes of pieces that a listener has not handled when the worker is held back.
constexpr std::size_t unhandled_bytes_max = std::size_t{256} << 10;

task_answer answer_of(task_view&& done) {
  task_answer result;
  result.id = protocols::to_string(done.id);
  result.state = done.state;
  result.failure = done.why;
  result.output = std::move(done.output);
  result.retry_after_ms = static_cast<std::uint64_t>(done.retry_after.count());
  result.attempts = done.attempts;
  result.cold_start = done.cold_start;
  return result;
}

task_answer answer_of(const refusal& none) {
  task_answer result;
  result.state = protocols::task_state::failed;
  result.failure = none.why;
  result.output = none.detail;
  result.retry_after_ms = static_cast<std::uint64_t>(none.retry_after.count());
  result.nearest = none.nearest;
  return result;
}

// Sends the events of one order to the door. The reference to the door is weak: the node may hold
// the listener longer than the door's actor system exists.
class order_listener final : public task_listener {
public:
  order_listener(caf::weak_actor_ptr door, std::uint64_t ticket,
                 std::shared_ptr<std::atomic<std::size_t>> unhandled_bytes)
      : door_{std::move(door)}, ticket_{ticket}, unhandled_bytes_{std::move(unhandled_bytes)} {}
  // A node that is destroyed drops the listeners of durable tasks.
  ~order_listener() override {
    if (reported_) return;
    task_answer left;
    left.failure = failure::draining;
    left.output =
        "the node was stopped before the task had ended; it is in the journal, and goes on "
        "after the next start";
    send(order_end{ticket_, std::move(left)});
  }
  order_listener(const order_listener&) = delete;
  order_listener& operator=(const order_listener&) = delete;

  void on_accepted(const protocols::task_id& id) override {
    send(order_accepted{ticket_, {0, protocols::to_string(id)}});
  }
  void on_chunk(std::string_view text, std::uint32_t attempt) override {
    unhandled_bytes_->fetch_add(text.size(), std::memory_order_relaxed);
    send(order_chunk{ticket_, {0, attempt, std::string{text}}});
  }
  [[nodiscard]] bool takes_more() override {
    return unhandled_bytes_->load(std::memory_order_relaxed) < unhandled_bytes_max;
  }
  void on_end(task_view done) override {
    reported_ = true;
    send(order_end{ticket_, answer_of(std::move(done))});
  }

private:
  template <class Message>
  void send(Message what) {
    if (const auto door = caf::actor_cast<caf::actor>(door_)) caf::anon_send(door, std::move(what));
  }

  caf::weak_actor_ptr door_;
  std::uint64_t ticket_;
  std::shared_ptr<std::atomic<std::size_t>> unhandled_bytes_;
  std::atomic<bool> reported_{false};
};

task_request request_of(task_order& order) {
  task_request result;
  result.specialist = std::move(order.specialist);
  result.department = std::move(order.department);
  result.command = std::move(order.command);
  result.input = std::move(order.input);
  result.urgency = order.urgency;
  if (order.timeout_ms > 0) result.timeout = std::chrono::milliseconds{order.timeout_ms};
  result.durable = order.durable;
  result.streaming = static_cast<bool>(order.listener);
  result.idempotency_key = std::move(order.idempotency_key);
  result.case_id = std::move(order.case_id);
  return result;
}

}  // namespace

void caf_door_state::open(caf_door_self::pointer self, caf_door_target target) {
  self_ = self;
  target_ = std::move(target);
}

caf::result<task_answer> caf_door_state::order(task_order& wanted) {
  const auto ticket = ++last_ticket_;
  // Stored before the order is submitted: the end may arrive at once.
  auto& mine = orders_[ticket];
  mine.promise = self_->make_response_promise<task_answer>();
  mine.tag = wanted.tag;
  mine.listener = wanted.listener;
  mine.unhandled_bytes = std::make_shared<std::atomic<std::size_t>>(0);
  mine.durable = wanted.durable || !wanted.idempotency_key.empty();
  const auto promise = mine.promise;
  auto outcome = target_.submit(request_of(wanted), std::make_shared<order_listener>(
                                                        caf::actor_cast<caf::weak_actor_ptr>(self_),
                                                        ticket, mine.unhandled_bytes));
  if (!outcome) {
    order_end none{ticket, answer_of(outcome.error())};
    on_end(none);
    return promise;
  }
  mine.id = *outcome;
  if (mine.listener)
    caf::anon_send(mine.listener, task_accepted{mine.tag, protocols::to_string(mine.id)});
  return promise;
}

bool caf_door_state::cancel(const task_cancel& what) const {
  const auto id = protocols::parse_task_id(what.id);
  return id && target_.cancel(*id);
}

void caf_door_state::on_end(order_end& what) {
  auto kept = orders_.extract(what.ticket);
  if (!kept) return;
  auto& answer = what.answer;
  answer.tag = kept.mapped().tag;
  if (answer.id.empty() && kept.mapped().id != protocols::task_id{})
    answer.id = protocols::to_string(kept.mapped().id);
  kept.mapped().promise.deliver(std::move(answer));
}

void caf_door_state::on_chunk(order_chunk& what) {
  const auto ticket = what.ticket;
  const auto found = orders_.find(ticket);
  if (found == orders_.end() || !found->second.listener) return;
  const auto& to = found->second;
  auto& piece = what.piece;
  piece.tag = to.tag;
  const auto bytes = piece.text.size();
  // A request, because the reply says that the listener has handled the piece. Without a timeout:
  // the listener is in this process, and CAF answers for a listener that has ended.
  self_->request(to.listener, caf::infinite, std::move(piece))
      .then(
          [bytes, unhandled_bytes = to.unhandled_bytes] {
            unhandled_bytes->fetch_sub(bytes, std::memory_order_relaxed);
          },
          [this, ticket](const caf::error&) { on_lost_listener(ticket); });
}

void caf_door_state::on_lost_listener(std::uint64_t ticket) {
  const auto found = orders_.find(ticket);
  if (found == orders_.end() || !found->second.listener) return;
  found->second.listener = nullptr;
  // Pieces are not counted any more, so the worker must not be held back.
  found->second.unhandled_bytes->store(0, std::memory_order_relaxed);
  if (!found->second.durable) target_.cancel(found->second.id);
}

void caf_door_state::on_accepted(order_accepted& what) {
  const auto found = orders_.find(what.ticket);
  if (found == orders_.end() || what.task.id == protocols::to_string(found->second.id)) return;
  what.task.tag = found->second.tag;
  if (found->second.listener) caf::anon_send(found->second.listener, std::move(what.task));
}

void caf_door_state::close() {
  for (auto& [ticket, one] : orders_) {
    if (!one.durable) target_.cancel(one.id);
    task_answer answer;
    answer.tag = one.tag;
    answer.id = protocols::to_string(one.id);
    answer.state = protocols::task_state::cancelled;
    answer.failure = failure::cancelled;
    answer.output = one.durable ? "the door was closed; the task is durable and goes on"
                                : "the door was closed before the task had ended";
    one.promise.deliver(std::move(answer));
  }
  orders_.clear();
}

caf_door_self::behavior_type caf_door_actor(caf_door_self::stateful_pointer<caf_door_state> self,
                                            caf_door_target target) {
  auto& state = self->state;
  state.open(self, std::move(target));
  self->set_exit_handler([self](caf::exit_msg& what) {
    self->state.close();
    self->quit(std::move(what.reason));
  });
  return {
      [&state](task_order& wanted) { return state.order(wanted); },
      [&state](const task_cancel& what) { return state.cancel(what); },
      [&state](order_end& what) { state.on_end(what); },
      [&state](order_chunk& what) { state.on_chunk(what); },
      [&state](order_accepted& what) { state.on_accepted(what); },
  };
}

}  // namespace greenroom::actors
