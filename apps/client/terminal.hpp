// What the program writes to: a person at a terminal, or a file, a pipe, a program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {

enum class colour { none, red, green, yellow, blue, grey, bold };

/// True when stdout is a terminal, so that lines may be drawn over and over.
bool is_terminal();
/// Colours are for terminals only, and NO_COLOR (https://no-color.org) takes them away.
bool has_colour();
/// Of the terminal, else 100.
std::size_t terminal_width();

/// The text in that colour, or the text as it is where colours have no place.
std::string paint(std::string_view text, colour in);

/// Columns as wide as they must be; numbers stand to the right.
class table {
public:
  struct column {
    std::string title;
    bool number = false;
  };
  explicit table(std::vector<column> columns);
  /// As many cells as there are columns. `in` colours the cell `coloured`.
  void add(std::vector<std::string> cells);
  void add(std::vector<std::string> cells, std::size_t coloured, colour in);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

private:
  struct row {
    std::vector<std::string> cells;
    std::size_t coloured = 0;
    colour in = colour::none;
  };
  std::vector<column> columns_;
  std::vector<row> rows_;
};

/// `12.3`, with so many decimals.
std::string fixed(double value, int decimals);
/// `12.3 %`, of a share from 0 to 1.
std::string percent(double share, int decimals = 1);
/// `1,234,567`
std::string grouped(std::uint64_t value);
/// `3d 4h`, `2m 5s`, `850ms`
std::string spoken_duration(double milliseconds);
/// How many columns a terminal needs for it: counts characters, not bytes.
std::size_t width_of(std::string_view text);

/// Draws a block of lines at the same place again and again. Away from a terminal it writes
/// nothing: who uses it decides what is worth a plain line there.
class live_block {
public:
  /// Replaces what was drawn before.
  void draw(const std::vector<std::string>& lines);
  /// Takes the block away.
  void clear();

private:
  std::size_t drawn_ = 0;
};

}  // namespace greenroom::apps
