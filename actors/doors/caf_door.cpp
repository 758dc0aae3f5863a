#include "actors/doors/caf_door.hpp"

#include "actors/doors/caf_door_actor.hpp"
#include "actors/node/parts.hpp"

#include <utility>

namespace greenroom {

namespace actors {

using protocols::failure, protocols::report_atom;
using protocols::task_accepted, protocols::task_answer, protocols::task_cancel;
using protocols::task_order, protocols::task_piece;

namespace {

// What a listener may have to handle before the worker is held back.
constexpr std::size_t unheard_bytes_max = std::size_t{256} << 10;

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

task_answer answer_of(refusal&& none) {
  task_answer result;
  result.state = protocols::task_state::failed;
  result.failure = none.why;
  result.output = std::move(none.detail);
  result.retry_after_ms = static_cast<std::uint64_t>(none.retry_after.count());
  result.nearest = std::move(none.nearest);
  return result;
}

// Tells the door what becomes of one order. It refers to the door weakly: the node may hold it for
// longer than the door's system stands.
class order_listener final : public task_listener {
public:
  order_listener(caf::weak_actor_ptr door, std::uint64_t ticket,
                 std::shared_ptr<std::atomic<std::size_t>> unheard)
      : door_{std::move(door)}, ticket_{ticket}, unheard_{std::move(unheard)} {}
  // A node that is destroyed lets go of durable tasks without a word.
  ~order_listener() override {
    if (told_) return;
    task_answer left;
    left.failure = failure::draining;
    left.output =
        "the node was stopped before the task had ended; it is in the journal, and goes on "
        "after the next start";
    tell(std::move(left));
  }
  order_listener(const order_listener&) = delete;
  order_listener& operator=(const order_listener&) = delete;

  void on_accepted(const protocols::task_id& id) override {
    tell(task_accepted{0, protocols::to_string(id)});
  }
  void on_piece(std::string_view text, std::uint32_t attempt) override {
    unheard_->fetch_add(text.size(), std::memory_order_relaxed);
    tell(task_piece{0, attempt, std::string{text}});
  }
  [[nodiscard]] bool takes_more() override {
    return unheard_->load(std::memory_order_relaxed) < unheard_bytes_max;
  }
  void on_end(task_view done) override {
    told_ = true;
    tell(answer_of(std::move(done)));
  }

private:
  template <class Message>
  void tell(Message what) {
    if (const auto door = caf::actor_cast<caf::actor>(door_))
      caf::anon_send(door, report_atom::value, ticket_, std::move(what));
  }

  caf::weak_actor_ptr door_;
  std::uint64_t ticket_;
  std::shared_ptr<std::atomic<std::size_t>> unheard_;
  std::atomic<bool> told_{false};
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
  // Before it is handed over: its end may be told meanwhile.
  auto& mine = orders_[ticket];
  mine.promise = self_->make_response_promise<task_answer>();
  mine.tag = wanted.tag;
  mine.listener = wanted.listener;
  mine.unheard = std::make_shared<std::atomic<std::size_t>>(0);
  mine.durable = wanted.durable || !wanted.idempotency_key.empty();
  const auto promise = mine.promise;
  auto outcome = target_.submit(
      request_of(wanted), std::make_shared<order_listener>(
                              caf::actor_cast<caf::weak_actor_ptr>(self_), ticket, mine.unheard));
  if (auto* none = std::get_if<refusal>(&outcome)) {
    auto answer = answer_of(std::move(*none));
    end(ticket, answer);
    return promise;
  }
  mine.id = std::get<protocols::task_id>(outcome);
  if (mine.listener)
    caf::anon_send(mine.listener, task_accepted{mine.tag, protocols::to_string(mine.id)});
  return promise;
}

bool caf_door_state::cancel(const task_cancel& what) const {
  const auto id = protocols::parse_task_id(what.id);
  return id && target_.cancel(*id);
}

void caf_door_state::end(std::uint64_t ticket, task_answer& answer) {
  auto kept = orders_.extract(ticket);
  if (!kept) return;
  answer.tag = kept.mapped().tag;
  if (answer.id.empty() && kept.mapped().id != protocols::task_id{})
    answer.id = protocols::to_string(kept.mapped().id);
  kept.mapped().promise.deliver(std::move(answer));
}

void caf_door_state::pass_on(std::uint64_t ticket, task_piece& piece) {
  const auto found = orders_.find(ticket);
  if (found == orders_.end() || !found->second.listener) return;
  const auto& to = found->second;
  piece.tag = to.tag;
  const auto bytes = piece.text.size();
  // A request, because its reply says that the listener has handled the piece. Without an end: the
  // listener is in this process, and CAF answers for one that is gone.
  self_->request(to.listener, caf::infinite, std::move(piece))
      .then([bytes, unheard = to.unheard] { unheard->fetch_sub(bytes, std::memory_order_relaxed); },
            [this, ticket](const caf::error&) { lose_listener(ticket); });
}

void caf_door_state::lose_listener(std::uint64_t ticket) {
  const auto found = orders_.find(ticket);
  if (found == orders_.end() || !found->second.listener) return;
  found->second.listener = nullptr;
  // Nobody counts pieces any more, so none is to wait.
  found->second.unheard->store(0, std::memory_order_relaxed);
  if (!found->second.durable) target_.cancel(found->second.id);
}

void caf_door_state::name_task(std::uint64_t ticket, task_accepted& what) {
  const auto found = orders_.find(ticket);
  if (found == orders_.end() || what.id == protocols::to_string(found->second.id)) return;
  what.tag = found->second.tag;
  if (found->second.listener) caf::anon_send(found->second.listener, std::move(what));
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
      [&state](report_atom, std::uint64_t ticket, task_answer& answer) {
        state.end(ticket, answer);
      },
      [&state](report_atom, std::uint64_t ticket, task_piece& piece) {
        state.pass_on(ticket, piece);
      },
      [&state](report_atom, std::uint64_t ticket, task_accepted& what) {
        state.name_task(ticket, what);
      },
  };
}

}  // namespace actors

caf_door open_caf_door(caf::actor_system& system, node& of) {
  using outcome = std::variant<protocols::task_id, refusal>;
  actors::caf_door_target target;
  const auto link = of.inside().link;
  target.submit = [link](task_request request, std::shared_ptr<task_listener> who) {
    return link->with(
        [&](node& to) -> outcome { return to.submit(std::move(request), std::move(who)); },
        outcome{refusal{protocols::failure::draining, "the node was stopped"}});
  };
  target.cancel = [link](const protocols::task_id& id) {
    return link->with([&](node& to) { return to.cancel(id); }, false);
  };
  return system.spawn(actors::caf_door_actor, std::move(target));
}

}  // namespace greenroom
