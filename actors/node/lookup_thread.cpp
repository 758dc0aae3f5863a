#include "actors/node/lookup_thread.hpp"

#include "actors/mailbox/catalog_reader.hpp"
#include "runtime/machine/io/clock.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace greenroom::actors {

namespace {

/// Tasks have priority over lists.
constexpr int lookup_niceness = 5;
/// The most jobs between two pieces of a scan, so that a scan makes progress.
constexpr int jobs_in_a_row = 16;

std::int64_t mean_of(std::int64_t before, std::int64_t fresh) {
  return before == 0 ? fresh : before + (fresh - before) / 8;
}

}  // namespace

lookup_thread::~lookup_thread() { stop(); }

void lookup_thread::start() {
  thread_ = std::thread{[this] {
    // On Linux the niceness is that of this thread only. Without the permission the thread works
    // as well.
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lookup_niceness));
    work();
  }};
  pthread_setname_np(thread_.native_handle(), "gr-lookup");
}

void lookup_thread::stop() {
  std::deque<job> jobs;
  std::deque<scan> scans;
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    jobs.swap(jobs_);
    scans.swap(scans_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool lookup_thread::run(job one, std::size_t waiting_max) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || jobs_.size() >= waiting_max) return false;
    jobs_.push_back(std::move(one));
  }
  wake_.notify_one();
  return true;
}

bool lookup_thread::run_in_pieces(scan one, std::size_t waiting_max) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || scans_.size() >= waiting_max) return false;
    scans_.push_back(std::move(one));
  }
  wake_.notify_one();
  return true;
}

std::chrono::milliseconds lookup_thread::backlog() const {
  // A guess: the number of pieces of a scan is not known.
  constexpr std::int64_t pieces = 4;
  const std::lock_guard lock{mutex_};
  const auto ns = static_cast<std::int64_t>(jobs_.size()) * job_ns_
                  + static_cast<std::int64_t>(scans_.size()) * pieces * scan_ns_;
  return std::chrono::milliseconds{ns / 1'000'000};
}

void lookup_thread::work() {
  std::unique_lock lock{mutex_};
  int in_a_row = 0;
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty() || !scans_.empty(); });
    if (stopping_) return;
    const auto begun_ns = machine::steady_now_ns();
    const bool is_job = !jobs_.empty() && (scans_.empty() || in_a_row < jobs_in_a_row);
    in_a_row = is_job ? in_a_row + 1 : 0;
    auto one = is_job ? std::exchange(jobs_.front(), {}) : job{};
    auto long_one = is_job ? scan{} : std::exchange(scans_.front(), {});
    if (is_job)
      jobs_.pop_front();
    else
      scans_.pop_front();
    lock.unlock();
    bool more = false;
    try {
      if (is_job)
        one();
      else
        more = long_one();
    } catch (const std::exception&) {
      // The door answers a call that is dropped without an answer.
    }
    one = {};
    if (!more) long_one = {};
    catalog_reader::turn();  // No catalog is in use on this thread now.
    lock.lock();
    auto& mean = is_job ? job_ns_ : scan_ns_;
    mean = mean_of(mean, machine::steady_now_ns() - begun_ns);
    if (more && !stopping_) scans_.push_back(std::move(long_one));
  }
}

}  // namespace greenroom::actors
