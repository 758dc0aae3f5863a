#include "runtime/machine/http/webhook.hpp"

#include "tests/machine/http/scripted_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using machine::webhook;

class AWebhook : public ::testing::Test {
protected:
  void SetUp() override { io.start(); }
  void TearDown() override { io.stop(); }

  /// Until one document was delivered or given up.
  static bool settled(const webhook& hook) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (hook.delivered() + hook.dropped() == 0) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  machine::webhook_options quick{.attempts_max = 4, .first_wait = 1ms, .timeout = 5s};
  machine::engine io{1};
};

TEST_F(AWebhook, DeliversTheDocumentAsItIs) {
  scripted_server server;
  webhook hook{io, quick};
  hook.post(server.url("/alerts"), R"({"name":"memory-critical"})");
  ASSERT_TRUE(settled(hook));
  EXPECT_EQ(hook.delivered(), 1u);
  const auto got = server.requests();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].head.substr(0, got[0].head.find("\r\n")), "POST /alerts HTTP/1.1");
  EXPECT_NE(got[0].head.find("application/json"), std::string::npos) << got[0].head;
  EXPECT_EQ(got[0].body, R"({"name":"memory-critical"})");
}

TEST_F(AWebhook, TriesAgainWhatFailedAndDeliversItOnce) {
  scripted_server server{{500, 0, 429}};
  webhook hook{io, quick};
  hook.post(server.url(), "{}");
  ASSERT_TRUE(settled(hook));
  EXPECT_EQ(hook.delivered(), 1u);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(AWebhook, GivesUpAfterItsAttemptsAndSaysWhy) {
  scripted_server server{{503, 503, 503, 503, 503}};
  std::promise<std::string> why;
  webhook hook{io, quick,
               [&](const std::string&, const std::string& said) { why.set_value(said); }};
  hook.post(server.url(), "{}");
  auto told = why.get_future();
  ASSERT_EQ(told.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(told.get(), "status 503");
  EXPECT_EQ(hook.dropped(), 1u);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(AWebhook, TakesARefusalForFinal) {
  scripted_server server{{404}};
  webhook hook{io, quick};
  hook.post(server.url(), "{}");
  ASSERT_TRUE(settled(hook));
  EXPECT_EQ(hook.dropped(), 1u);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(AWebhook, GivesUpAServerThatIsNotThere) {
  std::string nowhere;
  {
    scripted_server server;
    nowhere = server.url();
  }
  webhook hook{io, quick};
  hook.post(nowhere, "{}");
  ASSERT_TRUE(settled(hook));
  EXPECT_EQ(hook.dropped(), 1u);
}

TEST_F(AWebhook, RefusesWhatIsNoHttpUrlAndWhatIsTooMuch) {
  auto few = quick;
  few.pending_max = 0;
  webhook hook{io, few};
  hook.post("ftp://127.0.0.1/", "{}");
  EXPECT_EQ(hook.dropped(), 1u);
  hook.post("http://127.0.0.1:1/", "{}");
  EXPECT_EQ(hook.dropped(), 2u);
}

}  // namespace
}  // namespace greenroom::tests
