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

using actors::root_child;

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

using root_base = actors::root_self::stateful_base<actors::root_state>;
using pool_base = actors::pool_self::stateful_base<actors::pool_state>;

/// Runs `look` with the actor of this handle, in the actor's turn, if the actor lives to have one.
template <class Actor, class Handle>
void visit_actor(const Handle& handle, std::function<void(Actor&)> look) {
  if (!handle) return;
  const auto at = caf::actor_cast<caf::strong_actor_ptr>(handle);
  // The element does not hold the actor: an actor would be kept alive by its own mailbox.
  auto* const self = dynamic_cast<Actor*>(at->get());
  if (self == nullptr) return;
  at->enqueue(caf::mailbox_element_ptr{new visit{[self, look = std::move(look)] { look(*self); }}},
              nullptr);
}

constexpr std::array<std::pair<std::string_view, root_child>, 8> below_root{{
    {"dispatcher", root_child::dispatcher},
    {"journal", root_child::journal},
    {"memory_sampler", root_child::memory_sampler},
    {"monitor", root_child::monitor},
    {"rollout", root_child::rollout},
    {"rollback", root_child::rollback},
    {"predictor", root_child::predictor},
    {"pool", root_child::intelligent_pool},
}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <class Handle>
void dismiss_if_there(const Handle& handle) {
  if (handle) actors::dismiss(caf::actor_cast<caf::actor>(handle));
}

void kill_child_of_root(const protocols::root_actor& root, root_child which) {
  visit_actor<root_base>(
      root, [which](root_base& self) { dismiss_if_there(self.state.actor_of(which)); });
}

void in_pool(const protocols::root_actor& root, protocols::pool_kind kind,
             std::function<void(actors::pool_state&)> look) {
  visit_actor<root_base>(root, [kind, look = std::move(look)](root_base& self) {
    visit_actor<pool_base>(self.state.actor_of(actors::child_of(kind)),
                           [look](pool_base& pool) { look(pool.state); });
  });
}

}  // namespace

bool kill_actor(const protocols::root_actor& root, actors::node_state& shared,
                std::string_view name) {
  const bool baseline = take_prefix(name, "baseline ");
  const auto kind = baseline ? protocols::pool_kind::baseline : protocols::pool_kind::intelligent;
  if (name == "pool") {
    kill_child_of_root(root, actors::child_of(kind));
    return true;
  }
  if (name == "director") {
    in_pool(root, kind, [](actors::pool_state& pool) { dismiss_if_there(pool.director()); });
    return true;
  }
  const actors::catalog_reader::scope reading;
  const auto& catalog = shared.catalogs.now();
  if (take_prefix(name, "department ")) {
    for (std::uint32_t i = 0; i < catalog.departments.size(); ++i) {
      if (catalog.departments[i] != name) continue;
      in_pool(root, kind, [i](actors::pool_state& pool) {
        if (i < pool.departments().size()) dismiss_if_there(pool.departments()[i]);
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
              if (of < pool.departments().size())
                visit_actor<caf::local_actor>(
                    pool.departments()[of], [&shared, kind, who](caf::local_actor&) {
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
