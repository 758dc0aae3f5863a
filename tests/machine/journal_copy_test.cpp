// Copies of a journal, the identity of a node, and the hash of a request.
#include "runtime/machine/journal/journal_copy.hpp"
#include "runtime/machine/journal/idempotency.hpp"
#include "runtime/machine/journal/journal_openings.hpp"
#include "runtime/machine/journal/node_identity.hpp"
#include "tests/machine/journal_accidents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::machine::testing {
namespace {

TEST(JournalCopy, HasEverythingThatWasCommittedBefore) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  for (std::uint64_t i = 0; i < 50; ++i) commit(*journal, {accepted(i)});
  static_cast<void>(
      value_of(copy_journal({directory.file(), false}, directory.file("copy.db"), {})));
  commit(*journal, {accepted(99)});
  std::vector<journal_damage> damages;
  EXPECT_EQ(value_of(open_journal(directory.file("copy.db"), damages)->unfinished()).size(), 50u);
  EXPECT_TRUE(damages.empty());
}

TEST(JournalCopy, GivesWayToWhoMendsTheFiles) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  // More than two pieces of the copy.
  auto large = accepted(1);
  large.input = std::string(std::size_t{4} << 20, 'i');
  commit(*journal, {large});
  const auto others = journal_openings::of(directory.file());
  std::thread mends;
  const auto copied = copy_journal({directory.file(), false}, directory.file("copy.db"), [&] {
    if (!mends.joinable()) mends = std::thread{[&] { static_cast<void>(others->clear()); }};
    while (!others->wanted()) std::this_thread::yield();
    return true;
  });
  EXPECT_NE(error_of(copied), "");
  ASSERT_TRUE(mends.joinable());
  mends.join();
}

TEST(NodeIdentity, IsKeptAndACopyOfTheDirectoryIsSomebodyElse) {
  const scratch_directory directory;
  const auto home = directory.file("home");
  const auto copy = directory.file("copy");
  std::filesystem::create_directory(home);
  const std::string journal(32, 'a');
  const auto first = *take_node_identity(home, read_node_identity(home), journal);
  EXPECT_EQ(first.node.size(), 32u);
  const auto again = *take_node_identity(home, read_node_identity(home), journal);
  EXPECT_EQ(again.node, first.node);
  std::filesystem::copy(home, copy, std::filesystem::copy_options::recursive);
  const auto other = *take_node_identity(copy, read_node_identity(copy), journal);
  EXPECT_NE(other.node, first.node);
  EXPECT_EQ(other.copied_from, std::filesystem::weakly_canonical(home).string());
  std::filesystem::rename(home, directory.file("moved"));
  const auto moved = *take_node_identity(directory.file("moved"),
                                         read_node_identity(directory.file("moved")), journal);
  EXPECT_EQ(moved.node, first.node);
  EXPECT_EQ(moved.copied_from, "");
}

TEST(RequestHash, IsSipHashOfTheReference) {
  // The reference's vector for the key 00…0f and the input 00…0e (Aumasson and Bernstein, 2012):
  // the first eight bytes are the address here.
  const std::pair<std::uint64_t, std::uint64_t> key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::string rest;
  for (char c = 8; c < 15; ++c) rest += c;
  EXPECT_EQ(request_hash(key, 0x0706050403020100ULL, rest), 0xa129ca6149be45e5ULL);
}

}  // namespace
}  // namespace greenroom::machine::testing
