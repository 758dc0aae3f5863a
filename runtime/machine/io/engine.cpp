#include "runtime/machine/io/engine.hpp"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <string>

namespace greenroom::machine {

engine::engine(std::size_t threads, companion_factory make_companion)
    : make_companion_{std::move(make_companion)} {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i)
    loops_.push_back(std::make_unique<one_loop>());
}

engine::~engine() {
  stop();
  for (auto& mine : loops_) mine->io.drop_handlers();
}

void engine::start() {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    auto& mine = *loops_[i];
    if (mine.thread.joinable()) continue;
    mine.thread = std::thread{[this, &mine] { run(mine); }};
    pthread_setname_np(mine.thread.native_handle(), ("gr-io-" + std::to_string(i)).c_str());
  }
}

void engine::stop() {
  for (auto& mine : loops_) mine->io.stop();
  for (auto& mine : loops_)
    if (mine->thread.joinable()) mine->thread.join();
}

void engine::run(one_loop& mine) {
  // The default slack would delay a timer by up to 50 µs.
  ::prctl(PR_SET_TIMERSLACK, 1000UL);
  const auto beside = make_companion_ ? make_companion_(mine.io) : nullptr;
  while (mine.io.run_one() > 0)
    if (beside) beside->drain();
}

}  // namespace greenroom::machine
