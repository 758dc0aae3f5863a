#include "actors/monitoring/specialist_alerts.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

namespace greenroom::actors {

using namespace runtime::monitoring;

namespace {

constexpr std::size_t text_max = 400;

void add(std::string& to, const std::string& text) {
  if (to.size() > text_max) return;
  to += (to.empty() ? "" : ", ") + text;
  if (to.size() > text_max) to += " and more";
}

std::string slow_start_text(const std::string& name, std::int64_t start_ns,
                            std::int64_t allowed_ns) {
  return name + " (" + std::to_string(start_ns / 1'000'000) + " of "
         + std::to_string(allowed_ns / 1'000'000) + " ms)";
}

}  // namespace

specialist_alerts::texts specialist_alerts::find() const {
  texts found{{pinned_specialist_failed, {}},
              {important_specialist_failed, {}},
              {circuit_open, {}},
              {slow_start, {}},
              {fallback_route, {}}};
  const auto& catalog = parts_.catalogs.now();
  const auto now_ns = parts_.clock.now_ns();
  const auto& pool = parts_.pools.of(parts_.routes.main());
  for (std::uint32_t i = 0; i < catalog.members.size(); ++i) {
    const auto& one = catalog.members[i];
    if (one.gone) continue;
    const auto& name = one.config.name;
    const auto& gauge = pool.specialists[i].gauge;
    if (gauge.state.load(std::memory_order_relaxed) == worker_state::failed) {
      if (one.config.pin)
        add(found[pinned_specialist_failed], name);
      else if (one.config.priority == config::priority::high)
        add(found[important_specialist_failed], name);
    }
    if (gauge.open_until_ns.load(std::memory_order_relaxed) > now_ns) {
      add(found[circuit_open], name);
      if (!one.config.fallback.empty())
        add(found[fallback_route], name + " → " + one.config.fallback);
    }
    const auto start_ns = gauge.start_ns.load(std::memory_order_relaxed);
    const auto allowed_ns = std::chrono::nanoseconds{one.config.backend.start_timeout}.count();
    if (allowed_ns > 0 && start_ns > allowed_ns / 2)
      add(found[slow_start], slow_start_text(name, start_ns, allowed_ns));
  }
  return found;
}

alert_changes specialist_alerts::look(alert_book& book, double now_s) {
  alert_changes changes;
  for (auto& [rule, text] : find()) {
    const auto before = firing_.find(rule);
    if (text.empty() && before != firing_.end()) {
      append(changes, book.settle(rule, now_s));
      firing_.erase(before);
    } else if (!text.empty() && (before == firing_.end() || before->second != text)) {
      append(changes, book.raise(rule, text, now_s));
      firing_.insert_or_assign(rule, text);
    }
  }
  return changes;
}

}  // namespace greenroom::actors
