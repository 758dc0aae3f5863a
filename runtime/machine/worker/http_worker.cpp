#include "runtime/machine/worker/http_worker.hpp"

#include "runtime/machine/worker/http_server.hpp"

#include <cassert>
#include <utility>

namespace greenroom::machine {
namespace {

using protocols::task_ptr;

class http_worker final : public worker {
public:
  explicit http_worker(std::shared_ptr<http_server> server) : server_{std::move(server)} {}
  ~http_worker() override { server_->abandon(); }
  void start() override { server_->start(); }
  void run(task_ptr job) override { server_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { server_->cancel(job); }
  void ping() override { server_->ping(); }
  void stop(std::chrono::milliseconds grace) override { server_->stop(grace); }
  [[nodiscard]] int pid() const override { return server_->pid(); }

private:
  const std::shared_ptr<http_server> server_;
};

}  // namespace

std::shared_ptr<worker> make_http_worker(const config::specialist& who,
                                         const worker_surroundings& where,
                                         std::shared_ptr<worker_events> events) {
  assert(where.io);
  return std::make_shared<http_worker>(
      std::make_shared<http_server>(who, where, std::move(events)));
}

}  // namespace greenroom::machine
