#include "apps/client/terminal.hpp"

#include "apps/client/problem_line.hpp"
#include "protocols/plain_text.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

/// Width of a character in columns (Unicode TR 11, only the ranges that occur here).
std::size_t columns_of(char32_t value) {
  const auto within = [value](char32_t from, char32_t to) { return value >= from && value <= to; };
  if (within(0x300, 0x36F) || within(0x200B, 0x200D) || within(0xFE00, 0xFE0F)) return 0;
  const bool wide = within(0x1100, 0x115F) || within(0x2E80, 0xA4CF) || within(0xAC00, 0xD7A3)
                    || within(0xF900, 0xFAFF) || within(0xFE30, 0xFE6F) || within(0xFF00, 0xFF60)
                    || within(0xFFE0, 0xFFE6) || within(0x1F300, 0x1FAFF)
                    || within(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

struct text_piece {
  std::size_t bytes = 1;
  std::size_t columns = 0;
  bool colour = false;
};

/// The character or colour sequence (`ESC [ … m`) at that byte.
text_piece piece_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first == 0x1B) {
    const auto end = text.find('m', at);
    return {(end == text.npos ? text.size() : end + 1) - at, 0, true};
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  text_piece result;
  result.bytes = std::min(length, text.size() - at);
  char32_t value = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < result.bytes; ++i)
    value = value << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  result.columns = columns_of(value);
  return result;
}

winsize terminal_size() {
  winsize size{};
  if (!is_terminal() || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  return size;
}

constexpr std::size_t shortest_cell = 6;

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
  const auto columns = terminal_size().ws_col;
  return columns > 0 ? columns : 100;
}

std::string paint(std::string_view text, colour in) {
  if (in == colour::none || !has_colour()) return std::string{text};
  return std::string{code_of(in)}.append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto piece = piece_at(text, at);
    columns += piece.columns;
    at += piece.bytes;
  }
  return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string{text};
  if (columns == 0) return {};
  std::string result;
  bool coloured = false;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto piece = piece_at(text, at);
    if (used + piece.columns > columns - 1) break;
    result.append(text, at, piece.bytes);
    coloured = coloured || piece.colour;
    used += piece.columns;
    at += piece.bytes;
  }
  result += "…";
  if (coloured) result += "\x1b[0m";
  return result;
}

namespace {

/// The byte at which the line's last column begins, e.g. an option's meaning.
std::size_t last_column(std::string_view line) {
  std::size_t found = line.find_first_not_of(' ');
  if (found == line.npos) return 0;
  const auto first = found;
  for (auto gap = line.find("  ", found); gap != line.npos; gap = line.find("  ", found)) {
    const auto next = line.find_first_not_of(' ', gap);
    if (next == line.npos) break;
    found = next;
  }
  // Too far right, continued lines would have no room.
  constexpr std::size_t rightmost = 40;
  return found <= rightmost ? found : first + 2;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string result, carried;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = std::exchange(carried, {}).append(text.substr(0, end));
    const bool ended = end < text.size();
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.find_first_not_of(' ');
    const bool command =
        first != line.npos && first > 0 && line.compare(first, 10, "greenroom ") == 0;
    const auto indent = command ? first + 4 : last_column(line);
    bool broken = false;
    const std::size_t columns_here = command ? columns - 2 : columns;
    while (width_of(line) > columns) {
      // The byte at which the columns end.
      std::size_t bytes = 0;
      for (std::size_t used = 0; bytes < line.size();) {
        const auto piece = piece_at(line, bytes);
        if (used + piece.columns > columns_here) break;
        used += piece.columns;
        bytes += piece.bytes;
      }
      auto space = line.rfind(' ', bytes);
      if (space == std::string::npos || space <= indent) space = line.find(' ', bytes);
      if (space == std::string::npos) break;
      broken = true;
      const auto rest = line.find_first_not_of(' ', space);
      result.append(line, 0, space).append(command ? " \\\n" : "\n");
      line = std::string(indent, ' ') + (rest == std::string::npos ? "" : line.substr(rest));
    }
    // Joins the rest of a broken paragraph line with the next line, unless the paragraph ends here.
    if (broken && first == 0 && ended && !text.empty() && text[0] != ' ' && text[0] != '\n'
        && !text.starts_with("Usage: ")) {
      carried = line + " ";
      continue;
    }
    result += line;
    if (ended) result += '\n';
  }
  return result;
}

void print_labelled(std::string_view label, colour in, const std::string& text) {
  constexpr std::size_t label_columns = 10;
  const auto columns = std::max(width_of(label) + 1, label_columns);
  auto lines = std::string(columns, ' ') + text;
  if (is_terminal()) lines = wrapped(lines, terminal_width());
  const std::string gap(columns - width_of(label), ' ');
  std::printf("%s%s%s\n", paint(label, in).c_str(), gap.c_str(), lines.c_str() + columns);
}

std::string padded(std::string text, std::size_t columns) {
  const auto width = width_of(text);
  return width < columns ? text.append(columns - width, ' ') : text;
}

void print_text(const std::string& text) {
  const auto shown = is_terminal() ? wrapped(text, terminal_width()) : text;
  std::fwrite(shown.data(), 1, shown.size(), stdout);
}

std::string sparkline(const std::vector<double>& values, std::size_t columns) {
  constexpr std::array bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto from = values.size() - std::min(values.size(), columns);
  double largest = 0;
  for (auto at = from; at < values.size(); ++at)
    if (std::isfinite(values[at])) largest = std::max(largest, values[at]);
  std::string text;
  for (auto at = from; at < values.size(); ++at) {
    if (!std::isfinite(values[at])) {
      text += ' ';  // Not measured.
      continue;
    }
    const auto share = largest > 0 ? std::clamp(values[at] / largest, 0.0, 1.0) : 0.0;
    text += bars[static_cast<std::size_t>(std::lround(share * double{bars.size() - 1}))];
  }
  return text;
}

bool flush_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

bool is_output_closed() {
  pollfd where{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&where, 1, 0) > 0 && (where.revents & POLLERR) != 0;
}

int finish_output(int code) {
  errno = 0;
  if (flush_output()) return code;
  const int why = errno;
  if (why == EPIPE || is_output_closed()) return code;
  say_problem("cannot-write", std::string{"the output cannot be written"}
                                  + (why != 0 ? std::string{": "} + std::strerror(why) : "")
                                  + " — is the disk full?");
  return code == 0 ? 1 : code;
}

table::table(std::vector<column> columns) : columns_{std::move(columns)} {}

void table::add(std::vector<std::string> cells) { add(std::move(cells), 0, colour::none); }

void table::add(std::vector<std::string> cells, std::size_t coloured, colour in) {
  cells.resize(columns_.size());
  for (auto& cell : cells)
    if (!protocols::is_plain_text(cell)) cell = protocols::plain_text(cell);
  rows_.push_back({std::move(cells), coloured, in});
}

std::string table::text() const {
  return text(is_terminal() ? terminal_width() : std::string::npos);
}

std::string table::text(std::size_t width_max) const {
  constexpr std::size_t gap_width = 2;
  std::vector<std::size_t> widths;
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    auto widest = width_of(columns_[at].title);
    for (const auto& one : rows_) widest = std::max(widest, width_of(one.cells[at]));
    widths.push_back(widest);
  }
  std::vector<bool> shown(columns_.size(), true);
  const auto total = [&] {
    std::size_t sum = 0;
    for (std::size_t at = 0; at < widths.size(); ++at)
      if (shown[at]) sum += widths[at] + (sum > 0 ? gap_width : 0);
    return sum;
  };
  while (total() > width_max) {
    std::size_t least = columns_.size();
    for (std::size_t at = 0; at < columns_.size(); ++at)
      if (shown[at] && columns_[at].drop > 0
          && (least == columns_.size() || columns_[at].drop > columns_[least].drop))
        least = at;
    if (least == columns_.size()) break;
    shown[least] = false;
  }
  while (total() > width_max) {
    std::size_t widest = columns_.size();
    for (std::size_t at = 0; at < columns_.size(); ++at)
      if (shown[at] && !columns_[at].number && !columns_[at].whole && widths[at] > shortest_cell
          && (widest == columns_.size() || widths[at] > widths[widest]))
        widest = at;
    if (widest == columns_.size()) break;
    widths[widest] -= std::min(total() - width_max, widths[widest] - shortest_cell);
  }
  const auto last = static_cast<std::size_t>(std::find(shown.rbegin(), shown.rend(), true).base()
                                             - shown.begin() - 1);
  std::string result;
  const auto write = [&](std::size_t at, const std::string& whole, colour in) {
    if (!shown[at]) return;
    const auto cell = cut_to(whole, widths[at]);
    const std::string gap(widths[at] - width_of(cell), ' ');
    if (columns_[at].number) result += gap;
    result += paint(cell, in);
    if (at != last) result += (columns_[at].number ? std::string{} : gap) + "  ";
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
  const auto width = terminal_width();
  const auto height = terminal_size().ws_row;
  // The cursor stands one line below the block.
  const auto shown = height > 1 ? std::min<std::size_t>(lines.size(), height - 1U) : lines.size();
  std::string out;
  if (drawn_ > 0) out += "\x1b[" + std::to_string(drawn_) + "A";
  for (std::size_t at = 0; at < shown; ++at) out += "\r\x1b[2K" + cut_to(lines[at], width) + "\n";
  // Erases the rest of a longer previous block.
  out += "\x1b[J";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
  drawn_ = shown;
}

void live_block::clear() {
  if (drawn_ == 0) return;
  std::printf("\x1b[%zuA\r\x1b[J", drawn_);
  std::fflush(stdout);
  drawn_ = 0;
}

}  // namespace greenroom::apps
