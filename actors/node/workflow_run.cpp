// Runs a workflow: each step's output is the next one's input.
#include "actors/node/parts.hpp"

#include <mutex>
#include <utility>

namespace greenroom {

namespace {

// One run. It holds itself through the callback of the step that is under way.
class workflow_run : public std::enable_shared_from_this<workflow_run> {
public:
  workflow_run(node& on, std::vector<std::string> steps, task_request pattern,
               std::function<void(workflow_end)> done)
      : on_{on}, steps_{std::move(steps)}, pattern_{std::move(pattern)}, done_{std::move(done)} {}

  std::optional<refusal> begin() { return submit(0, pattern_.input); }

  void cancel() {
    std::optional<protocols::task_id> present;
    {
      const std::lock_guard lock{mutex_};
      cancelled_ = true;
      present = present_;
    }
    if (present) on_.cancel(*present);
  }

private:
  std::optional<refusal> submit(std::size_t step, std::string input) {
    auto request = pattern_;
    request.specialist = steps_[step];
    request.input = std::move(input);
    // The key names the whole run; each step needs its own.
    if (!request.idempotency_key.empty()) request.idempotency_key += "/" + std::to_string(step);
    auto outcome = on_.submit(std::move(request),
                              [self = shared_from_this()](task_view view) { self->ended(view); });
    if (auto* none = std::get_if<refusal>(&outcome)) return std::move(*none);
    const auto id = std::get<protocols::task_id>(outcome);
    bool cancelled = false;
    {
      const std::lock_guard lock{mutex_};
      // It may have ended already, and the next one begun.
      if (step >= begun_) {
        begun_ = step + 1;
        present_ = id;
      }
      cancelled = cancelled_;
    }
    if (cancelled) on_.cancel(id);
    return std::nullopt;
  }

  void ended(task_view step) {
    bool ok = step.state == protocols::task_state::completed;
    auto output = step.output;
    end_.steps.push_back(std::move(step));
    if (ok && end_.steps.size() < steps_.size()) {
      if (taken_back()) {
        ok = false;
        output = "the workflow was taken back before its next step";
      } else {
        auto refused = submit(end_.steps.size(), std::move(output));
        if (!refused) return;
        end_.output = refused->detail;
        end_.refused = std::move(*refused);
        done_(std::move(end_));
        return;
      }
    }
    end_.ok = ok;
    end_.output = std::move(output);
    done_(std::move(end_));
  }

  bool taken_back() {
    const std::lock_guard lock{mutex_};
    return cancelled_;
  }

  node& on_;
  std::vector<std::string> steps_;
  task_request pattern_;
  std::function<void(workflow_end)> done_;
  workflow_end end_;  // Written by one step after the other.
  std::mutex mutex_;  // Guards what follows.
  std::optional<protocols::task_id> present_;
  std::size_t begun_ = 0;
  bool cancelled_ = false;
};

}  // namespace

std::variant<node::cancel_workflow, refusal> node::run_workflow(
    std::string_view name, task_request first, std::function<void(workflow_end)> done) {
  const actors::catalog_reader::scope reading;
  const auto& flows = parts_->shared->catalogs.now().config.workflows;
  for (const auto& flow : flows) {
    if (flow.name != name) continue;
    first.specialist.clear();
    first.department.clear();
    first.command.clear();
    // The steps of one run belong together, for whoever learns from their order.
    if (first.case_id.empty())
      first.case_id =
          "workflow/" + flow.name + "/" + std::to_string(parts_->workflow_serial.fetch_add(1));
    // Whether it is detected by itself is only to be seen of runs whose truth is known.
    auto& forecast = parts_->shared->forecast;
    const bool detectable = flow.steps.size() >= 3;
    if (detectable) {
      forecast.runs.begin(actors::case_key_of(first.case_id));
      done = [&forecast, done = std::move(done)](workflow_end end) {
        if (end.ok) machine::count(forecast.workflows_run);
        done(std::move(end));
      };
    }
    const auto run =
        std::make_shared<workflow_run>(*this, flow.steps, std::move(first), std::move(done));
    if (auto refused = run->begin()) return std::move(*refused);
    return cancel_workflow{[run] { run->cancel(); }};
  }
  refusal none{protocols::failure::no_such_specialist,
               "there is no workflow named " + std::string{name},
               {},
               {}};
  for (const auto& flow : flows) none.nearest.push_back(flow.name);
  return none;
}

}  // namespace greenroom
