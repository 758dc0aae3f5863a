#include "runtime/machine/worker/worker_command.hpp"

#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/process/sweep.hpp"

#include <algorithm>

namespace greenroom::machine {

launch_order worker_command(const config::specialist& who, const worker_surroundings& where) {
  launch_order order;
  order.command = who.backend.command;
  order.env = who.backend.env;
  order.cwd = who.backend.cwd;
  order.bin_directory = where.bin_directory;
  order.env["GREENROOM_SPECIALIST"] = who.name;
  order.env["GREENROOM_DEPARTMENT"] = where.department;
  order.env["GREENROOM_POOL"] = where.pool;
  order.keeper = where.keeper;
  if (!where.node_mark.empty()) order.env[mark_variable] = where.node_mark;
  return order;
}

std::int64_t time_left_ms(const protocols::task& job, const config::specialist& who) {
  if (job.deadline_ns == 0)
    return who.backend.task_timeout.value_or(config::task_timeout_default).count();
  return std::max<std::int64_t>(1, (job.deadline_ns - steady_now_ns()) / 1'000'000);
}

std::string in_words(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

}  // namespace greenroom::machine
