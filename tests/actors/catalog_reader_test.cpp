// A replaced catalog is freed when no thread can read it any more, and not before.
#include "actors/supervision/node_state.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::actors {
namespace {

config::node cast_with(std::size_t specialists, const std::string& argument) {
  config::node result;
  auto& department = result.departments.emplace_back();
  department.name = "D";
  for (std::size_t i = 0; i < specialists; ++i) {
    auto& one = department.specialists.emplace_back();
    one.name = "specialist-" + std::to_string(i);
    one.backend.command = {"worker", argument};
  }
  return result;
}

std::unique_ptr<node_state> state_with(std::size_t specialists) {
  return std::make_unique<node_state>(make_catalog(cast_with(specialists, "first"), nullptr), 8, 1,
                                      std::make_shared<machine::clock>());
}

/// Runs `what` on a new thread, which has read no catalog before.
template <class Do>
void apart(Do what) {
  std::thread{what}.join();
}

std::weak_ptr<const catalog> replace(node_state& where, const std::string& argument) {
  auto next = make_catalog(cast_with(where.catalogs.shared()->members.size(), argument),
                           where.catalogs.shared().get());
  std::weak_ptr<const catalog> seen = next;
  EXPECT_TRUE(where.replace_catalog(std::move(next)));
  return seen;
}

TEST(CatalogReader, KeepsWhatIsReadInAScopeUntilItEnds) {
  const auto where = state_with(2);
  apart([&] {
    std::weak_ptr<const catalog> first = where->catalogs.shared();
    {
      const catalog_reader::scope reading;
      const auto& current = where->catalogs.now();
      replace(*where, "second");
      {
        const catalog_reader::scope inner;
        EXPECT_EQ(where->catalogs.now().members[0].config.backend.command[1], "second");
      }
      EXPECT_EQ(current.members[0].config.backend.command[1], "first");
    }
    EXPECT_TRUE(first.expired());
  });
}

TEST(CatalogReader, KeepsWhatIsReadOutsideUntilTheThreadsTurn) {
  const auto where = state_with(2);
  apart([&] {
    std::weak_ptr<const catalog> first = where->catalogs.shared();
    const auto& current = where->catalogs.now();
    replace(*where, "second");
    {
      const catalog_reader::scope reading;
      EXPECT_EQ(where->catalogs.now().members[0].config.backend.command[1], "second");
      catalog_reader::turn();  // Inside a scope this has no effect.
    }
    EXPECT_EQ(current.members[0].config.backend.command[1], "first");
    catalog_reader::turn();
    EXPECT_TRUE(first.expired());
  });
}

TEST(CatalogReader, NeverTakesOneAwayFromAThreadThatLooks) {
  const auto where = state_with(20);
  std::atomic<bool> over{false};
  std::atomic<std::size_t> seen{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&, i] {
      while (!over) {
        if (i % 2 == 0) catalog_reader::turn();
        const catalog_reader::scope reading;
        const auto& current = where->catalogs.now();
        const auto& argument = current.members[0].config.backend.command[1];
        for (const auto& one : current.members)
          if (one.config.backend.command[1] != argument) std::abort();
        ++seen;
      }
    });
  std::vector<std::weak_ptr<const catalog>> all;
  for (int i = 0; i < 300; ++i) all.push_back(replace(*where, std::to_string(i)));
  while (seen < 100) std::this_thread::yield();
  over = true;
  for (auto& one : readers) one.join();
  const auto alive = std::ranges::count_if(all, [](const auto& one) { return !one.expired(); });
  EXPECT_EQ(alive, 1);
}

std::size_t resident_bytes() {
  std::size_t whole = 0, resident = 0;
  auto* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%zu %zu", &whole, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(CatalogReader, MakesThreeHundredReloadsOfALargeCastCostNothing) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer keeps freed memory for a while, so that it shows nothing";
#endif
  const auto where = state_with(800);
  const auto reload = [&](int number) {
    replace(*where, std::to_string(number));
    const catalog_reader::scope reading;
    EXPECT_EQ(where->catalogs.now().members.size(), 800U);
  };
  apart([&] {
    for (int i = 0; i < 20; ++i) reload(i);
    const auto before = resident_bytes();
    for (int i = 0; i < 300; ++i) reload(i);
    constexpr std::size_t megabyte = 1 << 20;
    EXPECT_LT(resident_bytes(), before + 8 * megabyte);  // 140 MB if all catalogs were kept.
  });
}

}  // namespace
}  // namespace greenroom::actors
