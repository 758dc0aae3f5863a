// Generates a day of traffic from an office that uses specialists: seeded, from habits that make it
// partly predictable, like real traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace greenroom::runtime::load {

/// The specialists that users can call. Indices are positions in `names`.
struct office_cast {
  std::vector<std::string> names;
  std::vector<std::size_t> department;              ///< For each name.
  std::vector<std::vector<std::size_t>> workflows;  ///< Chains that users call in order.
};

/// Every share is 0 to 1.
struct office_habits {
  std::uint64_t seed = 1;
  std::size_t users = 60;
  double sessions_per_user = 7;  ///< Mean over the day.
  double tasks_per_session = 8;  ///< Mean of a geometric number; sessions without workflow.
  double from_hour = 0;          ///< Only tasks within [from_hour, to_hour) are returned;
  double to_hour = 24;           ///< their times still count from midnight.
  /// Exponent of Zipf's law over the whole cast. With 1.4 the busiest fifth of a cast of 83 gets
  /// four fifths of the tasks; in public recordings of functions and image services it gets nine
  /// tenths.
  double popularity_exponent = 1.4;
  double workflow_share = 0.35;   ///< Sessions that follow a workflow.
  double again_share = 0.35;      ///< Tasks followed by one of the same specialist.
  double habit_share = 0.45;      ///< Other steps to a usual successor.
  double colleague_share = 0.30;  ///< Steps within the department; the rest is by popularity.
  double slip_share = 0.08;       ///< Skipped steps of a workflow.
  double pause_s = 25;            ///< Median time between two tasks of a session.
  std::size_t bursts = 3;         ///< Many users in one workflow at once: releases, incidents.
  std::size_t burst_users = 14;   ///< Users per burst, who arrive within `burst_s`.
  double burst_s = 240;
  std::size_t timers = 4;  ///< Specialists called at fixed intervals, day and night.
};

struct office_task {
  double time_s = 0;    ///< From midnight.
  std::size_t who = 0;  ///< Index in the cast.
  std::string session;  ///< `u17-3`: the third session of user 17; `timer-2`; `burst-1-9`.
  std::string query;    ///< A few words about the specialist's work.
};

/// Activity at an hour in [0, 24), relative to 11:00: almost none at night, rising from 7:00, a dip
/// at 12:30, a second peak at 15:00, decreasing in the evening.
double office_activity(double hour);

/// Sorted by time. The same cast and habits give the same day, byte for byte.
///
/// Sessions begin at times drawn from `office_activity`. Each user has a home department, where
/// most of the user's sessions begin. A session follows a workflow (with skipped steps; workflow
/// frequencies follow Zipf's law) or walks: the next task goes to one of the two usual successors
/// of the last specialist, to another specialist of its department, or to any specialist by
/// popularity. In both cases the same specialist is often called again first. Popularity follows
/// Zipf's law over a random order of the cast in which the specialists of workflows come earlier,
/// and every department has hours of higher demand (± 60 %, one peak a day). Pauses within a
/// session are log-normal: mostly short, sometimes very long. Bursts put many users on one
/// workflow; timers call their specialist at a fixed interval of 10 to 60 minutes with a little
/// jitter.
/// @pre At least one name; `department` as long as `names`; workflow steps are valid indices.
std::vector<office_task> make_office_day(const office_cast& cast, const office_habits& habits);

}  // namespace greenroom::runtime::load
