#include "runtime/machine/http/chat_stream.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::machine::http {

using protocols::chat_error, protocols::task, protocols::task_state;

chat_stream::chat_stream(std::string model, bool with_usage) {
  frame_.model = std::move(model);
  frame_.with_usage = with_usage;
}

void chat_stream::form(protocols::stream_form of) {
  const std::lock_guard lock{mutex_};
  form_ = of;
}

void chat_stream::piece(const task& job, std::string_view text, chat_outlet& to) {
  if (text.empty()) return;
  std::unique_lock lock{mutex_};
  if (ended_ || unheard_) return;
  if (!begun_) {
    begin(job);
    attempt_ = job.attempts;
    // A server that speaks OpenAI's interface sends events, not text.
    raw_ = form_ == protocols::stream_form::events;
    if (!raw_) due_.text += protocols::chat_first_chunk(frame_);
  } else if (job.attempts != attempt_) {
    // The client has the beginning of an answer that a retry would repeat.
    break_off({502, "The worker failed in the middle of its answer.", {}, "worker_failed"});
    return tell(lock, to);
  }
  if (raw_) {
    done_said_ = text.ends_with(protocols::chat_done);
    due_.text += text;
  } else if (form_ == protocols::stream_form::lines) {
    for (auto rest = text; !rest.empty();) {
      const auto stop = std::min(rest.find('\n'), rest.size());
      if (const auto said = protocols::chat_text_of_line(rest.substr(0, stop)); !said.empty())
        due_.text += protocols::chat_content_chunk(frame_, said);
      rest.remove_prefix(std::min(stop + 1, rest.size()));
    }
  } else if (const auto whole = joiner_.next(text); !whole.empty()) {
    due_.text += protocols::chat_content_chunk(frame_, whole);
  }
  tell(lock, to);
}

void chat_stream::end(const task& done, chat_outlet& to) {
  std::unique_lock lock{mutex_};
  if (ended_) return;
  if (done.state.load(std::memory_order_acquire) == task_state::completed) {
    finish(done);
  } else {
    auto why = protocols::chat_error_of(done);
    if (begun_) {
      break_off(why);
    } else {
      ended_ = true;
      due_.refusal = std::move(why);
      due_.retry_after_ms = done.retry_after_ms;
    }
  }
  tell(lock, to);
}

void chat_stream::finish(const task& done) {
  std::string finish_reason = "stop";
  if (!begun_) {
    begin(done);
    due_.text += protocols::chat_first_chunk(frame_);
    auto content = protocols::chat_whole_as_chunks(frame_, done.output);
    due_.text += content.chunks;
    finish_reason = std::move(content.finish_reason);
  }
  if (!raw_) {
    due_.text += protocols::chat_last_chunk(frame_, finish_reason);
    if (frame_.with_usage) due_.text += protocols::chat_usage_chunk(frame_, done.output);
  }
  if (!raw_ || !done_said_) due_.text += protocols::chat_done;
  due_.end = ended_ = true;
}

void chat_stream::begin(const task& job) {
  begun_ = due_.begin = true;
  frame_.id = "chatcmpl-" + protocols::to_string(job.id);
  frame_.created = job.accepted_unix_ms / 1000;
}

void chat_stream::break_off(const chat_error& why) {
  due_.text += protocols::chat_error_chunk(why);
  due_.end = ended_ = true;
}

void chat_stream::tell(std::unique_lock<std::mutex>& lock, chat_outlet& to) {
  if (std::exchange(telling_, true)) return;
  while (!due_.empty()) {
    const auto now = std::exchange(due_, {});
    const auto heard = !unheard_;
    lock.unlock();
    auto still = heard;
    if (now.refusal) to.refuse(*now.refusal, now.retry_after_ms);
    if (now.begin) to.begin();
    if (still && !now.text.empty()) still = to.write(now.text);
    if (now.end) to.end();
    lock.lock();
    unheard_ = !still;
  }
  telling_ = false;
}

}  // namespace greenroom::machine::http
