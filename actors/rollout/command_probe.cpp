#include "actors/rollout/command_probe.hpp"

#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_state;

namespace {

class probe_listener final : public protocols::task_observer {
public:
  probe_listener(const probe_parts& parts, std::function<void(probe_answer)> done)
      : parts_{parts}, done_{std::move(done)} {}
  void on_end(const task& job) noexcept override {
    const catalog_reader::scope reading;
    const auto& who = parts_.catalogs.now().name_of(job.specialist);
    if (job.end_state == task_state::completed)
      done_({true, who + " answered"});
    else if (job.why == failure::refused)
      done_({true, who + " answered that it does not take this input"});
    else
      done_({false, who + ": " + job.output});
  }

private:
  probe_parts parts_;
  std::function<void(probe_answer)> done_;
};

/// The specialists that a command may lead to.
std::vector<std::uint32_t> specialists_of(const catalog& from, const config::route& to) {
  std::vector<std::uint32_t> result;
  if (!to.specialist.empty()) {
    if (const auto who = from.find(to.specialist); who != catalog::nobody) result.push_back(who);
  } else if (const auto at = from.by_department.find(to.department);
             at != from.by_department.end()) {
    result = from.department_members[at->second];
  }
  std::erase_if(result, [&](std::uint32_t who) { return from.members[who].gone; });
  return result;
}

bool speaks_mcp(const member& who) {
  return who.config.backend.kind == config::backend_kind::process
         && who.config.backend.protocol == config::worker_protocol::mcp;
}

}  // namespace

command_probe probe_through(admission& door, const probe_parts& parts,
                            std::chrono::milliseconds patience) {
  return
      [&door, parts, patience](const std::string& command, std::function<void(probe_answer)> done) {
        const catalog_reader::scope reading;
        const auto& catalog = parts.catalogs.now();
        const auto route = config::resolve_command(catalog.config, command);
        if (!route) return done({false, "there is no such command"});
        if (!route->probe.empty() && !runtime::rollout::json_fields(route->probe))
          return done({false, "its probe is no JSON"});
        auto able = specialists_of(catalog, *route);
        if (able.empty()) return done({false, "it leads to no specialist"});
        const auto all = able.size();
        const auto spared = able.front();
        std::erase_if(able, [&](std::uint32_t who) {
          return catalog.members[who].config.backend.side_effects == config::side_effects::unsafe;
        });
        if (able.empty()) {
          const auto state = parts.pools.of(door.pool())
                                 .specialists[spared]
                                 .gauge.state.load(std::memory_order_relaxed);
          // In the baseline pool the worker must be up; in the intelligent pool it may be cold.
          const bool up = is_up(state);
          const bool rests =
              door.pool() == protocols::pool_kind::intelligent && state != worker_state::failed;
          return done({up || rests, catalog.name_of(spared)
                                        + (up      ? " is up; it is unsafe to ask"
                                           : rests ? " is cold; it is unsafe to ask"
                                                   : " is not up")});
        }
        const auto tools = std::ranges::count_if(
            able, [&](std::uint32_t who) { return speaks_mcp(catalog.members[who]); });
        task_request request;
        // By the command itself, unless that could reach a specialist that must not be asked, or
        // one with another protocol.
        const bool alike = tools == 0 || tools == static_cast<std::ptrdiff_t>(able.size());
        if (able.size() == all && alike)
          request.command = command;
        else
          request.specialist = catalog.name_of(able.front());
        const bool mcp = speaks_mcp(catalog.members[able.front()]);
        request.input = !route->probe.empty() ? route->probe
                        : mcp                 ? R"({"method":"tools/list","params":{}})"
                                              : R"({"greenroom":"verify"})";
        request.timeout = patience;
        request.urgency = protocols::priority::high;
        request.probe = true;
        const auto outcome =
            door.submit(std::move(request), std::make_shared<probe_listener>(parts, done));
        if (const auto* none = std::get_if<refusal>(&outcome)) done({false, none->detail});
      };
}

}  // namespace greenroom::actors
