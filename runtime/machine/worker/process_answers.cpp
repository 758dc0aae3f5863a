// What a child process says, and what becomes of the tasks.
#include "protocols/worker_line.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/worker/process_conversation.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace greenroom::machine {

using protocols::attempt_result;
using protocols::failure;
using protocols::task_ptr;
using protocols::worker_message;
using protocols::worker_word;

void conversation::on_message(const worker_message& said) {
  if (fault_) return;
  switch (said.word) {
    case worker_word::ready: return become_ready();
    case worker_word::result: return end_task(said, {failure::none, false, std::string{said.text}});
    case worker_word::error:
      return end_task(said, {said.retryable ? failure::worker_failed : failure::refused,
                             said.retryable, std::string{said.text}, 0, true});
    case worker_word::chunk: return give_chunk(said);
    case worker_word::pong: return on_pong(said);
    case worker_word::ignored: return unasked(said.bytes);
    case worker_word::reply: child_->write(said.text); return unasked(said.bytes);
    case worker_word::stray: return skip(said);
    case worker_word::broken:
      return fail_one(said.id, "the worker answered with " + std::string{said.text});
    case worker_word::too_long: return fail_one(said.id, too_large(said.bytes));
    case worker_word::tools_changed: tools_.look(shared_from_this()); return unasked(said.bytes);
    case worker_word::tools: return tools_.on_page(said.text, shared_from_this());
    case worker_word::no_tools: return tools_.on_refusal(shared_from_this());
    case worker_word::refusal:
      return give_up("refused to begin: " + std::string{said.text} + with_stray());
    case worker_word::nonsense:
      retry_lost_ = false;
      return give_up("sent " + std::string{said.text});
  }
}

std::string conversation::too_large(std::size_t bytes) const {
  return "the worker answered with " + std::to_string(bytes)
         + " bytes, more than limits.output_bytes (" + std::to_string(where_.output_bytes_max)
         + ") allows";
}

void conversation::become_ready() {
  if (std::exchange(ready_, true)) return unasked(0);
  start_timer_.cancel();
  greeting_timer_.cancel();
  child_->note_ready();
  if (const auto observer = events()) observer->on_ready();
}

void conversation::end_task(const worker_message& said, attempt_result result) {
  if (result.output.size() > where_.output_bytes_max)
    result = {failure::worker_failed, false, too_large(result.output.size()), 0, true};
  const auto name = said.id;
  task_ptr job;
  std::shared_ptr<worker_events> observer;
  bool late = false;
  {
    const std::lock_guard lock{mutex_};
    if (auto* const found = open_.find(name)) {
      // A server may confirm a cancellation with an error, which is not the task's.
      if (found->expired && result.why != failure::none)
        result = {failure::worker_failed, true, "the worker " + too_slow()};
      job = open_.take(*found);
      observer = events_;
    } else {
      late = open_.is_late(name);
    }
  }
  if (!job) {
    // The worker's mistake, harmless for other tasks.
    if (!late) {
      log_stray("answered a task that it does not have: " + protocols::quoted_bytes(name));
      if (const auto to_tell = events(); to_tell && name.empty())
        to_tell->on_stray("an answer without an id: " + protocols::quoted_bytes(said.text));
    }
    return unasked(said.bytes);
  }
  if (observer) observer->on_result(std::move(job), std::move(result));
}

void conversation::fail_one(std::string_view name, std::string why) {
  std::string only;
  {
    const std::lock_guard lock{mutex_};
    if (const auto* const one = open_.only(); one != nullptr && name.empty()) only = one->name;
  }
  if (only.empty() && name.empty()) {
    log_stray(why);
    if (const auto observer = events()) observer->on_stray(why);
    return unasked(0);
  }
  worker_message said;
  said.id = name.empty() ? std::string_view{only} : name;
  end_task(said, {failure::worker_failed, false, std::move(why), 0, true});
}

void conversation::on_pong(const worker_message& said) {
  unasked(said.bytes);
  std::vector<open_task> free;
  std::shared_ptr<worker_events> observer;
  {
    const std::lock_guard lock{mutex_};
    pongs_ = std::min(pongs_ + 1, pings_);
    free = open_.take_pinged(pongs_);
    observer = events_;
  }
  if (!observer) return;
  for (auto& one : free) {
    if (one.dropped)
      observer->on_result(std::move(one.job), {failure::cancelled, false, "cancelled"});
    else
      observer->on_result(std::move(one.job),
                          {failure::worker_failed, true, "the worker " + too_slow()});
  }
  observer->on_pong();
}

void conversation::skip(const worker_message& said) {
  const auto quoted = protocols::quoted_bytes(said.text);
  stray_ = "sent a line that is not " + std::string{what_it_speaks()} + ": " + quoted;
  log_stray(stray_);
  if (const auto observer = events()) observer->on_stray(quoted);
  unasked(said.bytes);
}

std::string_view conversation::what_is_missing() const {
  if (who_.backend.protocol == config::worker_protocol::mcp)
    return "it has not answered \"initialize\"";
  return R"(it has not sent {"type":"ready"})";
}

std::string_view conversation::what_it_speaks() const {
  switch (who_.backend.protocol) {
    case config::worker_protocol::mcp: return "JSON-RPC";
    case config::worker_protocol::msgpack: return "a frame of MessagePack";
    case config::worker_protocol::jsonl: break;
  }
  return "a message";
}

void conversation::log_stray(const std::string& line) {
  strays_.feed(line + "\n", steady_now_ns(), [this](std::string_view some) { log(some); });
}

void conversation::give_chunk(const worker_message& said) {
  task_ptr job;
  {
    const std::lock_guard lock{mutex_};
    if (auto* const found = open_.find(said.id)) {
      found->answering = true;
      job = found->job;
    }
  }
  if (!job) return unasked(said.bytes);
  if (const auto observer = events(); observer && job->streaming)
    observer->on_chunk(job, said.text);
}

void conversation::unasked(std::size_t bytes) {
  flood_.count(bytes, steady_now_ns());
  if (flood_.too_many_bytes()) {
    retry_lost_ = false;
    return give_up("flooded its standard output with more than "
                   + std::to_string(flood_limit::bytes_max >> 20) + " MiB that are no answer"
                   + with_stray());
  }
  if (!flood_.too_many_messages() || !ready_) return;
  {
    const std::lock_guard lock{mutex_};
    if (!open_.empty()) return;
  }
  give_up("flooded its standard output with unasked messages" + with_stray());
}

}  // namespace greenroom::machine
