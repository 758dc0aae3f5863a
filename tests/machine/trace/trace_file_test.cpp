#include "runtime/machine/trace/trace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace greenroom::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TraceFile : public ::testing::Test {
protected:
  TraceFile() { std::filesystem::create_directories(folder_); }
  ~TraceFile() override { std::filesystem::remove_all(folder_); }

  std::string plain(const std::string& text) {
    const std::string path = (folder_ / "trace.csv").string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string packed(const std::string& text) {
    const std::string path = (folder_ / "trace.csv.gz").string();
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
    return path;
  }
  static runtime::trace good(const std::string& path, trace_order order = trace_order::by_time) {
    auto read = read_trace(path, order);
    EXPECT_TRUE(std::holds_alternative<runtime::trace>(read))
        << std::get_if<trace_error>(&read)->what;
    return std::get<runtime::trace>(std::move(read));
  }
  static std::string wrong(const std::string& path) {
    auto read = read_trace(path);
    EXPECT_TRUE(std::holds_alternative<trace_error>(read));
    return std::get<trace_error>(read).what;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("greenroom-trace-" + std::to_string(::getpid()));
};

TEST_F(TraceFile, ReadsPlainAndCompressedAlike) {
  const std::string text = "timestamp_s,specialist,duration_ms,case\n1.5,a,250,u\n2,b,,\n3,a,1,u\n";
  for (const auto& path : {plain(text), packed(text)}) {
    const auto read = good(path);
    EXPECT_THAT(read.specialists, ElementsAre("a", "b"));
    ASSERT_EQ(read.requests.size(), 3U);
    EXPECT_DOUBLE_EQ(read.requests[0].time_s, 1.5);
    EXPECT_DOUBLE_EQ(read.requests[0].duration_s, 0.25);
    EXPECT_NE(read.requests[0].case_key, 0U);
    EXPECT_EQ(read.requests[0].case_key, read.requests[2].case_key);
    EXPECT_EQ(read.requests[1].case_key, 0U);
    EXPECT_EQ(read.requests[2].who, 0U);
  }
}

TEST_F(TraceFile, TakesColumnsInAnyOrderAndLeavesOthersOut) {
  const auto read =
      good(plain("note,specialist,timestamp_s\r\nx,a,5\r\n\"y, z\",\"b\"\"c\",6\r\n"));
  EXPECT_THAT(read.specialists, ElementsAre("a", "b\"c"));
  EXPECT_DOUBLE_EQ(read.requests[1].time_s, 6);
}

TEST_F(TraceFile, SortsByTimeAndNumbersByFirstAppearanceInTime) {
  const std::string text = "timestamp_s,specialist\n9,late\n1,early\n9,tie\n";
  const auto read = good(plain(text));
  EXPECT_THAT(read.specialists, ElementsAre("early", "late", "tie"));
  EXPECT_EQ(read.requests[1].who, 1U);
  const auto kept = good(plain(text), trace_order::in_file_order);
  EXPECT_THAT(kept.specialists, ElementsAre("late", "early", "tie"));
  EXPECT_DOUBLE_EQ(kept.requests[0].time_s, 9);
}

TEST_F(TraceFile, ReadsALastLineWithoutItsEnd) {
  EXPECT_EQ(good(plain("timestamp_s,specialist\n1,a\n2,b")).requests.size(), 2U);
}

TEST_F(TraceFile, NamesTheFileAndTheLineOfAnError) {
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n1,a\nnoon,b\n")), HasSubstr("trace.csv:3: "));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n-1,a\n")), HasSubstr(":2: "));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\nnan,a\n")), HasSubstr(":2: "));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n1\n")), HasSubstr(":2: "));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n1,\n")), HasSubstr(":2: specialist is empty"));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist,duration_ms\n1,a,long\n")), HasSubstr(":2: "));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n1,\"a\n")), HasSubstr(":2: a quote"));
  EXPECT_THAT(wrong(plain("time,who\n1,a\n")), HasSubstr(":1: no header"));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist,case,specialist\n1,a,x,b\n")),
              HasSubstr(":1: the column specialist is there twice"));
  EXPECT_THAT(wrong(plain("")), HasSubstr(":1: the file is empty"));
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n")), HasSubstr("no request"));
}

TEST_F(TraceFile, RefusesAFileThatIsNotThereOrAFolder) {
  EXPECT_THAT(wrong((folder_ / "nothing.csv").string()), HasSubstr("cannot be opened"));
  EXPECT_THAT(wrong(folder_.string()), HasSubstr("is a directory"));
}

TEST_F(TraceFile, RefusesACompressedFileThatEndsInTheMiddle) {
  std::string text = "timestamp_s,specialist\n";
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i) + ",s" + std::to_string(i * 7 % 101) + "\n";
  const std::string path = packed(text);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_THAT(wrong(path), HasSubstr("damaged"));
}

TEST_F(TraceFile, RefusesALineWithoutAnEnd) {
  EXPECT_THAT(wrong(plain("timestamp_s,specialist\n1," + std::string(3 << 20, 'x'))),
              HasSubstr("longer than 1 MiB"));
}

}  // namespace
}  // namespace greenroom::machine
