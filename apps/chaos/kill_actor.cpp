#include "apps/chaos/kill_actor.hpp"

#include "actors/mailbox/dismiss.hpp"
#include "actors/supervision/pool.hpp"
#include "actors/supervision/root.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace greenroom::apps {
namespace {

using actors::root_state;

/// A message that runs a function in the turn of the actor that takes it out of its mailbox: only
/// there may an actor's state be looked at. CAF looks at the content of each message once or more
/// before the behaviour does, and to the behaviour this content is empty.
class visit final : public caf::mailbox_element {
public:
  explicit visit(std::function<void()> run)
      : caf::mailbox_element{caf::strong_actor_ptr{}, caf::make_message_id(), {}},
        run_{std::move(run)} {}

  caf::type_erased_tuple& content() override {
    if (const auto run = std::exchange(run_, nullptr)) run();
    return nothing_;
  }
  [[nodiscard]] const caf::type_erased_tuple& content() const override { return nothing_; }
  caf::message move_content_to_message() override { return {}; }
  [[nodiscard]] caf::message copy_content_to_message() const override { return {}; }

private:
  std::function<void()> run_;
  caf::empty_type_erased_tuple nothing_;
};

/// Runs `look` with the actor behind `who`, in that actor's turn, if it lives to have one.
template <class Actor, class Handle>
void visit_actor(const Handle& who, std::function<void(Actor&)> look) {
  if (!who) return;
  const auto at = caf::actor_cast<caf::strong_actor_ptr>(who);
  // The element does not hold the actor: what is in its own mailbox would keep it alive.
  auto* const self = dynamic_cast<Actor*>(at->get());
  if (self == nullptr) return;
  at->enqueue(caf::mailbox_element_ptr{new visit{[self, look = std::move(look)] { look(*self); }}},
              nullptr);
}

constexpr std::array<std::pair<std::string_view, root_state::child>, 8> below_root{{
    {"dispatcher", root_state::dispatcher_child},
    {"journal", root_state::keeper},
    {"memory_sampler", root_state::survey},
    {"monitor", root_state::watching},
    {"rollout", root_state::rolling},
    {"rollback", root_state::undoing},
    {"predictor", root_state::foreseeing},
    {"pool", root_state::intelligent},
}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <class Handle>
void dismiss_if_there(const Handle& who) {
  if (who) actors::dismiss(who);
}

void kill_child_of_root(const caf::actor& root, root_state::child which) {
  visit_actor<actors::root_actor>(
      root, [which](actors::root_actor& self) { dismiss_if_there(self.state.actors[which]); });
}

void in_pool(const caf::actor& root, protocols::pool_kind kind,
             std::function<void(actors::pool_state&)> look) {
  visit_actor<actors::root_actor>(root, [kind, look = std::move(look)](actors::root_actor& self) {
    const auto which = root_state::intelligent + static_cast<std::uint32_t>(kind);
    visit_actor<actors::pool_actor>(self.state.actors[which],
                                    [look](actors::pool_actor& pool) { look(pool.state); });
  });
}

}  // namespace

bool kill_actor(const caf::actor& root, actors::node_state& shared, std::string_view name) {
  const bool baseline = take_prefix(name, "baseline ");
  const auto kind = baseline ? protocols::pool_kind::baseline : protocols::pool_kind::intelligent;
  if (name == "pool") {
    kill_child_of_root(root, baseline ? root_state::baseline : root_state::intelligent);
    return true;
  }
  if (name == "director") {
    in_pool(root, kind, [](actors::pool_state& pool) { dismiss_if_there(pool.director_handle); });
    return true;
  }
  const actors::catalog_reader::scope reading;
  const auto& catalog = shared.catalogs.now();
  if (take_prefix(name, "department ")) {
    for (std::uint32_t i = 0; i < catalog.departments.size(); ++i) {
      if (catalog.departments[i] != name) continue;
      in_pool(root, kind, [i](actors::pool_state& pool) {
        if (i < pool.departments.size()) dismiss_if_there(pool.departments[i]);
      });
      return true;
    }
    return false;
  }
  if (take_prefix(name, "specialist ")) {
    const auto who = catalog.find(name);
    if (who == actors::catalog::nobody) return false;
    in_pool(root, kind,
            [&shared, kind, who, of = catalog.members[who].department](actors::pool_state& pool) {
              // The handle of a specialist's actor is its department's own.
              if (of < pool.departments.size())
                visit_actor<caf::scheduled_actor>(
                    pool.departments[of], [&shared, kind, who](caf::scheduled_actor&) {
                      dismiss_if_there(shared.pools.of(kind).specialists[who].actor);
                    });
            });
    return true;
  }
  if (baseline) return false;
  for (const auto& [known, which] : below_root)
    if (known == name) {
      kill_child_of_root(root, which);
      return true;
    }
  return false;
}

}  // namespace greenroom::apps
