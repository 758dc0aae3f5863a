#include "runtime/prediction/workflow_stream.hpp"

#include "protocols/base/hash.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace greenroom::runtime {

namespace {

/// A counter-based generator: a seed gives the same stream on every platform.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(base::mixed(0x5EED, seed)) {}
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  double exponential(double mean) { return -mean * std::log(1.0 - uniform()); }

private:
  std::uint64_t next() { return base::mixed(0, state_++); }
  std::uint64_t state_;
};

struct planned {
  specialist_index who;
  bool genuine;
  bool last;
};

std::vector<planned> disturbed(const workflow_steps& steps, double noise, std::size_t cast,
                               dice& d) {
  enum class harm : std::uint8_t { no, inserted, dropped, swapped };
  std::vector<harm> harms(steps.size(), harm::no);
  for (harm& h : harms) {
    if (d.uniform() < noise) h = static_cast<harm>(1 + d.below(3));
  }
  std::vector<std::size_t> order(steps.size());
  for (std::size_t k = 0; k < steps.size(); ++k) order[k] = k;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (harms[k] != harm::swapped) continue;
    const std::size_t other = k + 1 < steps.size() ? k + 1 : k - 1;
    std::swap(order[k], order[other]);
  }
  std::vector<planned> calls;
  for (const std::size_t k : order) {
    if (harms[k] == harm::dropped) continue;
    if (harms[k] == harm::inserted) {
      calls.push_back({static_cast<specialist_index>(d.below(cast)), false, false});
    }
    calls.push_back({steps[k], true, k + 1 == steps.size()});
  }
  return calls;
}

}  // namespace

std::vector<workflow_steps> sample_workflows() {
  return {{0, 25, 8, 56},      {26, 30, 38, 52},    {44, 40, 60, 52}, {60, 61, 63},
          {68, 16, 1, 57, 18}, {9, 10, 64, 58},     {31, 32, 26, 33}, {79, 80, 76, 2},
          {44, 48, 38, 53},    {71, 72, 11, 3, 59}, {22, 4, 27, 54},  {65, 62, 5}};
}

workflow_stream generate_stream(const stream_settings& settings) {
  workflow_stream stream;
  dice d(settings.seed);
  struct user {
    double free_s;
    std::uint64_t session;
    std::size_t done;
  };
  std::vector<user> users(std::max<std::size_t>(settings.users, 1));
  std::uint64_t sessions = 0;
  for (user& u : users) u = {d.exponential(settings.pause_s), ++sessions, 0};
  while (stream.workflow_of.size() < settings.instances) {
    user& u = *std::min_element(users.begin(), users.end(),
                                [](const user& a, const user& b) { return a.free_s < b.free_s; });
    const std::size_t which = d.below(settings.workflows.size());
    const std::size_t instance = stream.workflow_of.size();
    stream.workflow_of.push_back(which);
    const std::uint64_t key = settings.with_cases ? base::mixed(settings.seed, u.session) | 1U : 0;
    double at_s = u.free_s;
    const workflow_steps& steps = settings.workflows[which];
    for (const planned& call : disturbed(steps, settings.noise, settings.cast, d)) {
      at_s += d.exponential(settings.step_s);
      stream.calls.push_back(
          {at_s, call.who, key, call.genuine ? instance : stream_call::foreign, call.last});
    }
    const double pause = d.exponential(settings.pause_s);
    for (std::size_t k = 0; k < steps.size(); ++k) {
      if (d.uniform() >= settings.noise) continue;
      stream.calls.push_back({at_s + pause * d.uniform(),
                              static_cast<specialist_index>(d.below(settings.cast)), key,
                              stream_call::foreign, false});
    }
    u.free_s = at_s + pause;
    if (++u.done % settings.instances_a_session == 0) u.session = ++sessions;
  }
  std::stable_sort(stream.calls.begin(), stream.calls.end(),
                   [](const stream_call& a, const stream_call& b) { return a.at_s < b.at_s; });
  return stream;
}

namespace {

/// Counts what a detector reports about a stream. The first instances only teach it.
class detection_count {
public:
  detection_count(const workflow_stream& stream, const std::vector<workflow_steps>& workflows,
                  double skip)
      : stream_{stream}, workflows_{workflows}, fates_(stream.workflow_of.size()) {
    for (const stream_call& call : stream.calls) {
      if (call.instance != stream_call::foreign) ++fates_[call.instance].calls;
    }
    first_ = static_cast<std::size_t>(skip * static_cast<double>(fates_.size()));
  }

  void begin_call(const stream_call& call) {
    call_ = &call;
    is_foreign_ = call.instance == stream_call::foreign;
    if (!is_foreign_ && call.instance >= first_) is_counting_ = true;
    if (!is_foreign_ && call.last_step) fates_[call.instance].ended = true;
  }

  void add(const workflow_progress& known) {
    const bool right = !is_foreign_ && stream_.workflow_of[call_->instance] == known.workflow;
    const bool teaching = is_foreign_ ? !is_counting_ : call_->instance < first_;
    if (teaching) {
      if (right) fates_[call_->instance].detected = true;
      return;
    }
    ++reports_;
    if (!right) return;
    fate& mine = fates_[call_->instance];
    if (mine.ended || mine.detected) return;
    mine.detected = true;
    ++right_;
    ahead_ += workflows_[known.workflow].size() - known.next;
  }

  detection_quality quality(double noise) {
    detection_quality result;
    result.noise = noise;
    std::size_t detected = 0;
    for (std::size_t i = first_; i < fates_.size(); ++i) {
      if (fates_[i].calls < 2) {
        ++result.unseeable;
        if (fates_[i].detected) --right_, --reports_;
        continue;
      }
      ++result.instances;
      if (fates_[i].detected) ++detected;
    }
    const auto share = [](std::size_t part, std::size_t whole) {
      return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    result.reports = reports_;
    result.precision = share(right_, reports_);
    result.recall = share(detected, result.instances);
    result.steps_ahead = share(ahead_, right_);
    return result;
  }

private:
  struct fate {
    std::size_t calls = 0;
    bool ended = false;
    bool detected = false;
  };

  const workflow_stream& stream_;
  const std::vector<workflow_steps>& workflows_;
  std::vector<fate> fates_;  ///< By instance.
  std::size_t first_ = 0;    ///< The first instance that counts.
  const stream_call* call_ = nullptr;
  bool is_foreign_ = false;
  bool is_counting_ = false;  ///< A call of an instance that counts has come.
  std::size_t reports_ = 0;
  std::size_t right_ = 0;
  std::size_t ahead_ = 0;
};

}  // namespace

detection_quality measure_detection(const stream_settings& settings,
                                    const detector_settings& detector_with, double skip) {
  const workflow_stream stream = generate_stream(settings);
  workflow_detector detector(settings.workflows, settings.cast, detector_with);
  detection_count count(stream, settings.workflows, skip);
  for (const stream_call& call : stream.calls) {
    count.begin_call(call);
    for (const workflow_progress& known : detector.observe(call.who, call.case_key, call.at_s))
      count.add(known);
  }
  return count.quality(settings.noise);
}

}  // namespace greenroom::runtime
