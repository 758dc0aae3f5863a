// A day's traffic of an office whose people work with specialists: seeded, and made of the habits
// that make real traffic predictable in part and only in part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace greenroom::runtime::load {

/// Whom the people can ask. Indices are positions in `names`.
struct office_cast {
  std::vector<std::string> names;
  std::vector<std::size_t> department;              ///< Of each name.
  std::vector<std::vector<std::size_t>> workflows;  ///< Chains that people go through in order.
};

/// Every share is 0 to 1.
struct office_habits {
  std::uint64_t seed = 1;
  std::size_t users = 60;
  double sessions_per_user = 7;  ///< Mean over the whole day.
  double tasks_per_session = 8;  ///< Mean of a geometric number, for sessions without a workflow.
  double from_hour = 0;          ///< Only what falls into [from_hour, to_hour) is returned,
  double to_hour = 24;           ///< with times that still count from midnight.
  /// Zipf's, over the whole cast. With 1.4 the busiest fifth of a cast of 83 does four fifths of
  /// the work; in public recordings of functions and image services it does nine tenths.
  double popularity_exponent = 1.4;
  double workflow_share = 0.35;   ///< Sessions that follow a workflow.
  double again_share = 0.35;      ///< Tasks after which the same specialist is asked again.
  double habit_share = 0.45;      ///< Other steps that go where one usually goes from here.
  double colleague_share = 0.30;  ///< Steps within the department; the rest is popularity alone.
  double slip_share = 0.08;       ///< Steps of a workflow that someone leaves out.
  double pause_s = 25;            ///< Median time between two tasks of a session.
  std::size_t bursts = 3;         ///< Releases, incidents: a crowd on one workflow at once.
  std::size_t burst_users = 14;   ///< People in each, who come within `burst_s`.
  double burst_s = 240;
  std::size_t timers = 4;  ///< Specialists that a schedule calls, day and night.
};

struct office_task {
  double time_s = 0;    ///< From midnight.
  std::size_t who = 0;  ///< Index in the cast.
  std::string session;  ///< `u17-3`: the third session of user 17; `timer-2`; `burst-1-9`.
  std::string query;    ///< A few words that are about the specialist's work.
};

/// How busy the office is at an hour in [0, 24), relative to 11 in the morning: almost nothing at
/// night, a rise from seven, a dip at half past twelve, a second top at three, an evening's tail.
double office_activity(double hour);

/// Sorted by time. The same cast and habits give the same day, byte for byte.
///
/// How it is made. Sessions begin at moments drawn from `office_activity`. Each user has a home
/// department, where most of their sessions begin. A session follows a workflow (with slips; some
/// workflows are far more common than others, by Zipf's law) or walks: the next task goes to one of
/// the two usual successors of the last specialist, to a colleague in its department, or to anyone
/// by popularity. In both, people often ask the same specialist again before they go on.
/// Popularity is Zipf's law over a random order of the cast in which those who take part in
/// workflows come earlier, and every department has hours in
/// which it is asked for more (± 60 %, one top a day). Pauses within a session are log-normal, so
/// they are mostly short and sometimes very long. Bursts put a crowd on one workflow; timers call
/// their specialist at a fixed interval of 10 to 60 minutes with a little jitter.
/// @pre at least one name; `department` as long as `names`; workflow steps are valid indices.
std::vector<office_task> make_office_day(const office_cast& cast, const office_habits& habits);

}  // namespace greenroom::runtime::load
