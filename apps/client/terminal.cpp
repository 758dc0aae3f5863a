#include "apps/client/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace greenroom::apps {
namespace {

std::string_view code_of(colour in) {
  switch (in) {
    case colour::none: return {};
    case colour::red: return "\x1b[31m";
    case colour::green: return "\x1b[32m";
    case colour::yellow: return "\x1b[33m";
    case colour::blue: return "\x1b[36m";
    case colour::grey: return "\x1b[90m";
    case colour::bold: return "\x1b[1m";
  }
  return {};
}

}  // namespace

bool is_terminal() {
  static const bool value = ::isatty(STDOUT_FILENO) == 1;
  return value;
}

bool has_colour() {
  static const bool value = [] {
    const char* refused = std::getenv("NO_COLOR");
    const char* kind = std::getenv("TERM");
    return is_terminal() && (refused == nullptr || *refused == '\0')
           && (kind == nullptr || std::string_view{kind} != "dumb");
  }();
  return value;
}

std::size_t terminal_width() {
  winsize size{};
  if (is_terminal() && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 100;
}

std::string paint(std::string_view text, colour in) {
  if (in == colour::none || !has_colour()) return std::string{text};
  return std::string{code_of(in)}.append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

table::table(std::vector<column> columns) : columns_{std::move(columns)} {}

void table::add(std::vector<std::string> cells) { add(std::move(cells), 0, colour::none); }

void table::add(std::vector<std::string> cells, std::size_t coloured, colour in) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), coloured, in});
}

std::string table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    auto widest = width_of(columns_[at].title);
    for (const auto& one : rows_) widest = std::max(widest, width_of(one.cells[at]));
    widths.push_back(widest);
  }
  std::string result;
  const auto write = [&](std::size_t at, const std::string& cell, colour in) {
    const std::string gap(widths[at] - width_of(cell), ' ');
    const bool last = at + 1 == columns_.size();
    if (columns_[at].number) result += gap;
    result += paint(cell, in);
    if (!last) result += (columns_[at].number ? std::string{} : gap) + "  ";
  };
  for (std::size_t at = 0; at < columns_.size(); ++at) write(at, columns_[at].title, colour::grey);
  result += '\n';
  for (const auto& one : rows_) {
    for (std::size_t at = 0; at < columns_.size(); ++at)
      write(at, one.cells[at], at == one.coloured ? one.in : colour::none);
    result += '\n';
  }
  return result;
}

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string percent(double share, int decimals) { return fixed(100 * share, decimals) + " %"; }

std::string grouped(std::uint64_t value) {
  auto digits = std::to_string(value);
  for (auto at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string spoken_duration(double milliseconds) {
  if (milliseconds < 1000) return fixed(milliseconds, milliseconds < 10 ? 1 : 0) + "ms";
  if (milliseconds < 60'000) return fixed(milliseconds / 1000, 1) + "s";
  const auto seconds = static_cast<std::uint64_t>(milliseconds / 1000);
  const auto two = [](std::uint64_t large, const char* a, std::uint64_t small, const char* b) {
    return std::to_string(large) + a + " " + std::to_string(small) + b;
  };
  if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return two(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

void live_block::draw(const std::vector<std::string>& lines) {
  if (!is_terminal()) return;
  std::string out;
  if (drawn_ > 0) out += "\x1b[" + std::to_string(drawn_) + "A";
  for (const auto& line : lines) out += "\r\x1b[2K" + line + "\n";
  // What is left of a longer block below.
  out += "\x1b[J";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
  drawn_ = lines.size();
}

void live_block::clear() {
  if (drawn_ == 0) return;
  std::printf("\x1b[%zuA\r\x1b[J", drawn_);
  std::fflush(stdout);
  drawn_ = 0;
}

}  // namespace greenroom::apps
