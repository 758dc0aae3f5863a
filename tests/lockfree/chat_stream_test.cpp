// Pieces of a chat answer come on one thread while another one ends the task: by a deadline, a
// cancellation or a lost worker.
#include "runtime/machine/http/chat_stream.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace greenroom::machine::http {
namespace {

using protocols::chat_error, protocols::failure, protocols::task, protocols::task_state;

/// Writes down what it is told, without a lock: the stream promises one thread at a time.
class written final : public chat_outlet {
public:
  void begin() override { ++begun; }
  bool write(std::string_view events) override {
    if (ended > 0) ++after_the_end;
    text += events;
    if (on_write) on_write();
    return !gone;
  }
  void end() override { ++ended; }
  void refuse(const chat_error& why, std::int64_t) override {
    ++ended;
    refused = why.message;
  }

  std::string text, refused;
  int begun = 0, ended = 0, after_the_end = 0;
  bool gone = false;
  std::function<void()> on_write;
};

void begins(task& job) {
  job.id = {7, 9};
  job.attempts = 1;
  job.state = task_state::running;
}

std::size_t times(std::string_view what, std::string_view in) {
  std::size_t count = 0;
  for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++count;
  return count;
}

TEST(ChatStream, EndsOnceWhilePiecesComeOnAnotherThread) {
#ifdef __SANITIZE_THREAD__
  constexpr int rounds = 400;
#else
  constexpr int rounds = 4000;
#endif
  for (int round = 0; round < rounds; ++round) {
    // What the end is made of is not what pieces are made of: both look at tasks of their own.
    task job, over;
    begins(job);
    begins(over);
    const bool whole = round % 3 == 0;
    over.end_state = whole ? task_state::completed : task_state::failed;
    over.why = whole ? failure::none : failure::out_of_time;
    over.output = whole ? "\"all of it\"" : "it took too long";
    over.state = over.end_state;
    chat_stream stream{"model", false};
    written seen;
    std::atomic<int> ready{0};
    const auto together = [&ready] {
      ++ready;
      while (ready < 2) {
      }
    };
    std::thread pieces{[&] {
      together();
      stream.form(protocols::stream_form::text);
      for (int i = 0; i < 40; ++i) stream.piece(job, "piece ", seen);
    }};
    std::thread end{[&] {
      together();
      for (int i = 0; i < round % 7; ++i) std::this_thread::yield();
      stream.end(over, seen);
    }};
    pieces.join();
    end.join();
    ASSERT_EQ(seen.ended, 1) << round;
    ASSERT_EQ(seen.after_the_end, 0) << round;
    ASSERT_EQ(seen.refused.empty() ? 1 : 0, seen.begun) << round;
    if (seen.begun == 0) continue;
    ASSERT_TRUE(seen.text.starts_with("data: {")) << seen.text;
    if (whole) {
      ASSERT_TRUE(seen.text.ends_with("data: [DONE]\n\n")) << seen.text;
      ASSERT_EQ(times("\"finish_reason\":\"stop\"", seen.text), 1U) << seen.text;
    } else {
      ASSERT_EQ(times("it took too long", seen.text), 1U) << seen.text;
    }
    // In order and whole: every event is a line of its own.
    ASSERT_EQ(times("data: ", seen.text), times("\n\n", seen.text)) << seen.text;
  }
}

TEST(ChatStream, MayBeEndedFromWithinItsOutlet) {
  // A client that reads too slowly is cut off while it is written to, and its task cancelled.
  task job, over;
  begins(job);
  begins(over);
  over.why = failure::cancelled;
  over.output = "cancelled";
  over.state = task_state::cancelled;
  chat_stream stream{"model", false};
  written seen;
  seen.on_write = [&] { stream.end(over, seen); };
  stream.piece(job, "a", seen);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_EQ(times("cancelled", seen.text), 2U) << seen.text;  // The message, and its code.
  stream.piece(job, "b", seen);
  EXPECT_EQ(seen.after_the_end, 0);
}

TEST(ChatStream, TellsNothingMoreToAnOutletThatNobodyReads) {
  task job, over;
  begins(job);
  begins(over);
  over.state = task_state::completed;
  over.output = "\"x\"";
  chat_stream stream{"model", false};
  written seen;
  seen.gone = true;
  stream.piece(job, "a", seen);
  const auto before = seen.text;
  stream.piece(job, "b", seen);
  stream.end(over, seen);
  EXPECT_EQ(seen.text, before);
  EXPECT_EQ(seen.ended, 1);
}

TEST(ChatStream, BreaksOffWhenTheAnswerIsMadeAnew) {
  task job;
  begins(job);
  chat_stream stream{"model", false};
  written seen;
  stream.piece(job, "half an ", seen);
  job.attempts = 2;
  stream.piece(job, "a whole answer", seen);
  EXPECT_EQ(seen.ended, 1);
  EXPECT_EQ(times("a whole answer", seen.text), 0U);
  EXPECT_EQ(times("failed in the middle", seen.text), 1U) << seen.text;
}

TEST(ChatStream, PassesEventsOnAndSaysDoneOnce) {
  for (const bool says_done : {true, false}) {
    task job, over;
    begins(job);
    begins(over);
    over.state = task_state::completed;
    over.output = "null";
    chat_stream stream{"model", true};
    written seen;
    stream.form(protocols::stream_form::events);
    stream.piece(job, "data: {\"a\":1}\n\n", seen);
    if (says_done) stream.piece(job, "data: [DONE]\n\n", seen);
    stream.end(over, seen);
    EXPECT_EQ(seen.text, "data: {\"a\":1}\n\ndata: [DONE]\n\n");
    EXPECT_EQ(seen.ended, 1);
  }
}

}  // namespace
}  // namespace greenroom::machine::http
