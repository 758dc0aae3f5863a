#include "runtime/prediction/call_models.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::runtime {

call_models::call_models(std::size_t cast, std::vector<workflow_steps> workflows,
                         const sequence_settings& sequence, const detector_settings& detector,
                         double decay)
    : detector_settings_(detector),
      sequence_(sequence),
      transitions_(cast, decay),
      hours_(cast, decay),
      collaboration_(cast, decay),
      detector_(std::move(workflows), cast, detector) {}

void call_models::grow(std::size_t cast) {
  transitions_.grow(cast);
  hours_.grow(cast);
  collaboration_.grow(cast);
  detector_.grow(cast);
}

void call_models::follow(std::vector<workflow_steps> workflows, std::size_t cast) {
  detector_ = workflow_detector(std::move(workflows), cast, detector_settings_);
}

std::span<const workflow_progress> call_models::observe(const sequence_position& at,
                                                        specialist_index who,
                                                        std::uint64_t case_key, double now_s) {
  if (at.length > 0) {
    transitions_.observe(at.back(0), who, now_s - at.last_s);
    const std::array<specialist_index, 3> before = {at.back(0), at.back(1), at.back(2)};
    collaboration_.observe(who, {before.data(), std::min<std::size_t>(3, at.remembered())});
  }
  sequence_.learn(at, who);
  hours_.observe(who, now_s);
  transitions_.begin(who);
  return detector_.observe(who, case_key, now_s);
}

void call_models::save(state_writer& to) const {
  sequence_.save(to);
  transitions_.save(to);
  hours_.save(to);
  collaboration_.save(to);
  // Saved separately, because other workflows may be configured at restore.
  state_writer of_workflows;
  detector_.save(of_workflows);
  to.put(std::string_view(of_workflows.body()));
}

void call_models::restore(state_reader& from) {
  static_cast<void>(sequence_.restore(from));  // A problem is in `from` as well.
  transitions_.restore(from);
  hours_.restore(from);
  collaboration_.restore(from);
  state_reader of_workflows(from.text());
  // On other workflows the detector starts anew.
  if (!from.failed()) static_cast<void>(detector_.restore(of_workflows));
}

}  // namespace greenroom::runtime
