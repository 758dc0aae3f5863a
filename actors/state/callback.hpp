// Code of the embedding service, called on a thread of the node: what it throws goes no further.
#pragma once

#include "actors/state/event_log.hpp"
#include "actors/state/text.hpp"
#include "protocols/base/json_text.hpp"
#include "runtime/machine/worker/callable_calls.hpp"

#include <exception>
#include <string>
#include <string_view>

namespace greenroom::actors {

/// Calls a function of the embedding service. The thread is marked (`borrowed_thread`): the
/// function must not wait for the node. An exception becomes the event `callback.failed`.
template <class F>
void run_callback(event_log& events, std::string_view which, F&& call) noexcept {
  const machine::borrowed_thread here{machine::borrowed_thread::kind::callback};
  std::string why;
  try {
    call();
    return;
  } catch (const std::exception& thrown) {
    why = thrown.what();
  } catch (...) {
    why = "something that is no std::exception";
  }
  events.publish("callback.failed",
                 json_object{{"callback", which}}.raw("threw", base::json_string(why)));
}

}  // namespace greenroom::actors
