#include "actors/state/idempotency_waiters.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace greenroom::actors {
namespace {

class waiting_caller final : public protocols::task_observer {
public:
  explicit waiting_caller(std::size_t bytes = 100) : bytes_{bytes} {}
  void on_end(const protocols::task&) noexcept override {}
  [[nodiscard]] std::size_t held_bytes() const noexcept override { return bytes_; }

private:
  std::size_t bytes_;
};

using outcome = idempotency_waiters::outcome;
constexpr protocols::task_id first_task{1, 1}, second_task{2, 1};

TEST(IdempotencyWaiters, AreBoundedForOneTaskInAllAndInBytes) {
  idempotency_waiters all;
  const idempotency_waiters::bounds most{4, 2, 1000};
  const auto add = [&](protocols::task_id of, std::size_t bytes = 100) {
    return all.add(of, std::make_shared<waiting_caller>(bytes), most);
  };
  EXPECT_EQ(add(first_task), outcome::added);
  EXPECT_EQ(add(first_task), outcome::added);
  EXPECT_EQ(add(first_task), outcome::task_full);
  EXPECT_EQ(add(second_task, 801), outcome::bytes_full);
  EXPECT_EQ(add(second_task, 800), outcome::added);
  EXPECT_EQ(add({3, 3}, 1), outcome::bytes_full);
  EXPECT_EQ(all.take(first_task).size(), 2U);
  EXPECT_EQ(add({3, 3}), outcome::added);
  EXPECT_EQ(add({4, 3}), outcome::added);
  EXPECT_EQ(add({5, 3}, 0), outcome::added);
  EXPECT_EQ(add({6, 3}, 0), outcome::full);
}

TEST(IdempotencyWaiters, LeaveNothingWhenTheyAreRemoved) {
  idempotency_waiters all;
  const idempotency_waiters::bounds most{100, 100, 1'000'000};
  std::weak_ptr<waiting_caller> gone;
  {
    const auto one = std::make_shared<waiting_caller>();
    gone = one;
    ASSERT_EQ(all.add(first_task, one, most), outcome::added);
    ASSERT_EQ(all.add(first_task, std::make_shared<waiting_caller>(), most), outcome::added);
    EXPECT_TRUE(all.remove(one.get()));
    EXPECT_FALSE(all.remove(one.get()));
  }
  EXPECT_TRUE(gone.expired());
  EXPECT_EQ(all.take(first_task).size(), 1U);
  EXPECT_TRUE(all.take(first_task).empty());
  // Bounds that have room for one are free again.
  EXPECT_EQ(all.add(first_task, std::make_shared<waiting_caller>(), {1, 1, 100}), outcome::added);
}

}  // namespace
}  // namespace greenroom::actors
