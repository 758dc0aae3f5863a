#include "runtime/machine/worker/process_worker.hpp"

#include "runtime/machine/worker/process_conversation.hpp"

#include <cassert>
#include <utility>

namespace greenroom::machine {
namespace {

using protocols::task_ptr;

class process_worker final : public worker {
public:
  explicit process_worker(std::shared_ptr<conversation> with) : with_{std::move(with)} {}
  ~process_worker() override { with_->abandon(); }
  void start() override { with_->start(); }
  void run(task_ptr job) override { with_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { with_->cancel(job); }
  bool forget(const task_ptr& job) override { return with_->forget(job); }
  void ping() override { with_->ping(); }
  void stop(std::chrono::milliseconds grace) override { with_->stop(grace); }
  [[nodiscard]] int pid() const override { return with_->pid(); }

private:
  const std::shared_ptr<conversation> with_;
};

}  // namespace

std::shared_ptr<worker> make_process_worker(const config::specialist& who,
                                            const worker_surroundings& where,
                                            std::shared_ptr<worker_events> events) {
  assert(where.io && !who.backend.command.empty());
  return std::make_shared<process_worker>(
      std::make_shared<conversation>(who, where, std::move(events)));
}

}  // namespace greenroom::machine
