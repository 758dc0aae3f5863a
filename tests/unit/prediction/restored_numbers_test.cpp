// Learnt state with whole checksums and impossible numbers: it is refused, or what it leads to is
// as possible as ever.
#include "runtime/prediction/predictor.hpp"
#include "runtime/state_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>

namespace greenroom::runtime {
namespace {

constexpr std::uint32_t member_count = 6;

predictor taught_predictor() {
  predictor result(member_count, {{1, 2, 3}});
  for (std::uint64_t n = 0; n < 120; ++n)
    for (specialist_index who = 1; who <= 3; ++who)
      result.observe(who, 1000 + n, static_cast<double>(n) * 60.0 + who * 10.0);
  return result;
}

TEST(RestoredNumbers, NeverNameASpecialistThatIsNotThere) {
  const auto saved = taught_predictor().save();
  constexpr std::string_view kind = "greenroom predictor";
  constexpr std::uint32_t version = 3;
  const auto body = state_reader::open(saved, kind, version);
  ASSERT_TRUE(body);
  constexpr std::array<std::uint32_t, 8> odd{member_count, member_count + 1, 0x7fffffff,
                                             0xffffffff,   0xfffffffd,       0x7fc00000,
                                             0x7f800000,   0xff800000};
  std::mt19937 chance{20'261'130};
  std::size_t refused = 0;
  constexpr int tries = 800;
  for (int i = 0; i < tries; ++i) {
    auto changed = std::string{*body};
    const auto at = chance() % (changed.size() / 4) * 4;
    std::memcpy(changed.data() + at, &odd[chance() % odd.size()], 4);
    // A writer puts whatever is in its body behind a seal.
    state_writer sealer;
    for (std::size_t byte = 0; byte + 4 <= changed.size(); byte += 4) {
      std::uint32_t word = 0;
      std::memcpy(&word, changed.data() + byte, 4);
      sealer.put32(word);
    }
    if (changed.size() % 4 != 0) continue;
    predictor p(member_count, {{1, 2, 3}});
    if (!p.restore(sealer.sealed(kind, version))) {
      ++refused;
      continue;
    }
    for (specialist_index who = 0; who < member_count; ++who) {
      p.observe(who, 5, 7300.0 + who);
      for (const auto& one : p.expected(7301.0 + who, 60)) {
        ASSERT_LT(one.who, member_count);
        ASSERT_FALSE(std::isnan(one.probability));
      }
    }
  }
  EXPECT_GT(refused, 50U);
}

}  // namespace
}  // namespace greenroom::runtime
