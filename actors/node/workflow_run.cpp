// Runs a workflow: each step's output is the next one's input.
#include "actors/node/parts.hpp"

#include <mutex>
#include <utility>

namespace greenroom {

namespace {

// One run. The callback of the running step keeps the run alive.
class workflow_run : public std::enable_shared_from_this<workflow_run> {
public:
  workflow_run(node& on, std::vector<std::string> steps, task_request pattern,
               std::function<void(workflow_end)> done)
      : on_{on}, steps_{std::move(steps)}, pattern_{std::move(pattern)}, done_{std::move(done)} {}

  base::expected<void, refusal> begin() { return submit(0, pattern_.input); }

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
  base::expected<void, refusal> submit(std::size_t step, std::string input) {
    auto request = pattern_;
    request.specialist = steps_[step];
    request.input = std::move(input);
    // The key names the whole run; each step needs its own.
    if (!request.idempotency_key.empty()) request.idempotency_key += "/" + std::to_string(step);
    auto outcome = on_.submit(std::move(request),
                              [self = shared_from_this()](task_view view) { self->ended(view); });
    if (!outcome) return outcome.error();
    const auto id = *outcome;
    bool cancelled = false;
    {
      const std::lock_guard lock{mutex_};
      // The step may have ended already, and the next one begun.
      if (step >= begun_) {
        begun_ = step + 1;
        present_ = id;
      }
      cancelled = cancelled_;
    }
    if (cancelled) on_.cancel(id);
    return {};
  }

  void ended(task_view step) {
    bool ok = step.state == protocols::task_state::completed;
    auto output = step.output;
    end_.steps.push_back(std::move(step));
    if (ok && end_.steps.size() < steps_.size()) {
      if (is_cancelled()) {
        ok = false;
        output = "the workflow was cancelled before its next step";
      } else {
        const auto submitted = submit(end_.steps.size(), std::move(output));
        if (submitted) return;
        end_.refused = submitted.error();
        end_.output = end_.refused.detail;
        done_(std::move(end_));
        return;
      }
    }
    end_.ok = ok;
    end_.output = std::move(output);
    done_(std::move(end_));
  }

  bool is_cancelled() {
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

base::expected<node::cancel_workflow, refusal> node::run_workflow(
    std::string_view name, task_request first, std::function<void(workflow_end)> done) {
  const actors::catalog_reader::scope reading;
  const auto& flows = parts_->state->catalogs.now().config.workflows;
  for (const auto& flow : flows) {
    if (flow.name != name) continue;
    first.specialist.clear();
    first.department.clear();
    first.command.clear();
    // The steps of one run are one case for the predictor.
    if (first.case_id.empty())
      first.case_id =
          "workflow/" + flow.name + "/" + std::to_string(parts_->workflow_serial.fetch_add(1));
    // The quality of the detection is measured on runs whose workflow is known.
    auto& forecast = parts_->state->forecast;
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
    if (const auto begun = run->begin(); !begun) return begun.error();
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
