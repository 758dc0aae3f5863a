#include "runtime/machine/worker/function_worker.hpp"
#include "runtime/machine/worker/http_worker.hpp"
#include "runtime/machine/worker/process_worker.hpp"

#include <cassert>

namespace greenroom::machine {

std::shared_ptr<worker> make_worker(const config::specialist& who, const worker_surroundings& where,
                                    const callable* function,
                                    std::shared_ptr<worker_events> events) {
  switch (who.backend.kind) {
    case config::backend_kind::function:
      assert(function);
      return make_function_worker(who, where, *function, std::move(events));
    case config::backend_kind::http: return make_http_worker(who, where, std::move(events));
    case config::backend_kind::process: break;
  }
  return make_process_worker(who, where, std::move(events));
}

}  // namespace greenroom::machine
