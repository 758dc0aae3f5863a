#include "actors/node/deployment_check.hpp"

#include "actors/node/parts.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "protocols/plain_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace greenroom::actors {

namespace {

constexpr std::size_t at_once_max = 4;
constexpr std::chrono::milliseconds check_patience{60'000};

enum class checked_kind : std::uint8_t { specialist, command, workflow };
constexpr std::size_t checked_kinds = 3;
constexpr std::array<const char*, checked_kinds> kind_names{"specialists", "commands", "workflows"};

bool is_mcp(const config::specialist& who) {
  return who.backend.kind == config::backend_kind::process
         && who.backend.protocol == config::worker_protocol::mcp;
}

std::string cut_to(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  return std::string{protocols::whole_letters(text, bytes_max)} + "…";
}

std::string probe_input(const config::specialist& who) {
  return is_mcp(who) ? R"({"method":"tools/list","params":{}})" : R"({"greenroom":"verify"})";
}

/// One check. The callbacks of running tasks keep the check alive.
class deployment_check : public std::enable_shared_from_this<deployment_check> {
public:
  deployment_check(node& of, std::function<void(std::string)> done)
      : of_{of},
        parts_{hand_out<probe_parts>(*of.inside().state)},
        probe_{probe_through(*of.inside().admission, parts_, check_patience)},
        done_{std::move(done)} {
    const catalog_reader::scope reading;
    const auto& catalog = parts_.catalogs.now();
    for (std::size_t who = 0; who < catalog.members.size(); ++who)
      if (!catalog.members[who].gone)
        open_.push_back(
            {checked_kind::specialist, catalog.name_of(static_cast<std::uint32_t>(who))});
    for (const auto& [command, to] : catalog.config.commands)
      open_.push_back({checked_kind::command, command});
    for (const auto& flow : catalog.config.workflows)
      open_.push_back({checked_kind::workflow, flow.name});
  }

  /// An answer may arrive inside this function: then the running loop continues, because a nested
  /// loop could be as deep as the cast is large.
  void go_on() {
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(running_, true)) return;
    }
    while (true) {
      item next;
      {
        const std::lock_guard lock{mutex_};
        const bool through = open_.empty() && under_way_ == 0 && done_;
        if (through || open_.empty() || under_way_ == at_once_max) {
          running_ = false;
          if (through) break;
          return;
        }
        next = std::move(open_.front());
        open_.pop_front();
        ++under_way_;
      }
      switch (next.kind) {
        case checked_kind::specialist: ask_specialist(next); break;
        case checked_kind::command: ask_command(next); break;
        case checked_kind::workflow: run_workflow(next); break;
      }
    }
    finish();
  }

private:
  struct item {
    checked_kind kind = checked_kind::specialist;
    std::string name;
  };
  struct finding {
    std::string name, text;
    bool passed = false;
  };

  void add_finding(const item& what, bool passed, std::string text) {
    {
      const std::lock_guard lock{mutex_};
      found_[static_cast<std::size_t>(what.kind)].push_back({what.name, std::move(text), passed});
      --under_way_;
    }
    go_on();
  }
  [[nodiscard]] const config::specialist* member_named(std::string_view name) const {
    const auto& names = parts_.catalogs.now();
    const auto found = names.find(name);
    return found == catalog::nobody || names.members[found].gone ? nullptr
                                                                 : &names.members[found].config;
  }
  static bool is_unsafe(const config::specialist& who) {
    return who.backend.side_effects == config::side_effects::unsafe;
  }
  /// Whether the end of a task shows that its worker answers.
  static bool answered(const task_view& end) {
    return end.state == protocols::task_state::completed || end.why == protocols::failure::refused;
  }
  static std::string describe(const task_view& end) {
    if (end.state == protocols::task_state::completed) return end.specialist + " answered";
    if (end.why == protocols::failure::refused)
      return end.specialist + " answered that it does not take this input";
    return end.specialist + ": " + end.output;
  }

  void ask_specialist(const item& what) {
    const catalog_reader::scope reading;
    const auto* who = member_named(what.name);
    if (who == nullptr) return add_finding(what, false, "it does not exist any more");
    if (is_unsafe(*who)) {
      const auto view = of_.specialist(what.name);
      const bool up = view && view->state != worker_state::failed;
      return add_finding(what, up,
                         "not asked, its side effects are unsafe; it is "
                             + std::string{view ? to_string(view->state) : "gone"});
    }
    task_request request;
    request.specialist = what.name;
    request.input = probe_input(*who);
    request.timeout = check_patience;
    auto outcome = of_.submit(std::move(request), [self = shared_from_this(), what](task_view end) {
      self->add_finding(what, answered(end), describe(end));
    });
    if (!outcome) add_finding(what, false, outcome.error().detail);
  }

  void ask_command(const item& what) {
    probe_(what.name, [self = shared_from_this(), what](probe_answer answer) {
      self->add_finding(what, answer.answered, std::move(answer.said));
    });
  }

  void run_workflow(const item& what) {
    const catalog_reader::scope reading;
    const auto& flows = parts_.catalogs.now().config.workflows;
    const auto flow = std::ranges::find(flows, what.name, &config::workflow::name);
    if (flow == flows.end() || flow->steps.empty())
      return add_finding(what, false, "it does not exist any more");
    for (const auto& step : flow->steps) {
      const auto* who = member_named(step);
      if (who == nullptr) return add_finding(what, false, "its step " + step + " does not exist");
      if (is_unsafe(*who))
        return add_finding(what, true,
                           "not run, the side effects of its step " + step + " are unsafe");
    }
    task_request first;
    first.input = probe_input(*member_named(flow->steps.front()));
    first.timeout = check_patience;
    auto outcome = of_.run_workflow(
        what.name, std::move(first), [self = shared_from_this(), what](workflow_end end) {
          if (end.ok)
            return self->add_finding(what, true,
                                     std::to_string(end.steps.size()) + " steps answered");
          if (end.steps.empty() || !end.refused.detail.empty())
            return self->add_finding(what, false, end.output);
          const auto& last = end.steps.back();
          self->add_finding(what, answered(last),
                            "step " + std::to_string(end.steps.size()) + ": " + describe(last));
        });
    if (!outcome) add_finding(what, false, outcome.error().detail);
  }

  void finish() {
    std::function<void(std::string)> done;
    {
      const std::lock_guard lock{mutex_};
      done = std::exchange(done_, nullptr);
    }
    if (!done) return;
    std::size_t checked = 0;
    std::size_t failed = 0;
    std::array<json_array, checked_kinds> lists;
    for (std::size_t kind = 0; kind < checked_kinds; ++kind) {
      auto& findings = found_[kind];
      std::ranges::sort(findings, {}, &finding::name);
      json_array list;
      for (const auto& one : findings) {
        ++checked;
        if (!one.passed) ++failed;
        list.add(json_object{{"name", one.name},
                             {"passed", one.passed},
                             {"text", cut_to(one.text, text_bytes_max)}});
      }
      lists[kind] = std::move(list);
    }
    json_object result{{"passed", failed == 0}, {"checked", checked}, {"failed", failed}};
    for (std::size_t kind = 0; kind < checked_kinds; ++kind)
      result.add(kind_names[kind], lists[kind]);
    done(std::move(result));
  }
  static constexpr std::size_t text_bytes_max = 300;

  node& of_;
  probe_parts parts_;
  command_probe probe_;
  std::mutex mutex_;  // Guards what follows.
  std::function<void(std::string)> done_;
  std::deque<item> open_;
  std::size_t under_way_ = 0;
  bool running_ = false;  // A thread runs the loop of `go_on`.
  std::array<std::vector<finding>, checked_kinds> found_;
};

}  // namespace

void check_deployment(node& of, std::function<void(std::string)> done) {
  std::make_shared<deployment_check>(of, std::move(done))->go_on();
}

}  // namespace greenroom::actors
