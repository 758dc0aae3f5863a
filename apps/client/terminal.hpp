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

/// Columns as wide as they must be; numbers stand to the right. On a terminal no row is wider than
/// the terminal: columns that may go are left out, then the widest text is shortened.
class table {
public:
  struct column {
    std::string title;
    bool number = false;
    int drop = 0;        ///< Left out when there is no room, the largest first; 0: never.
    bool whole = false;  ///< Never shortened: an id that people copy.
  };
  explicit table(std::vector<column> columns);
  /// As many cells as there are columns. `in` colours the cell `coloured`. Control characters in a
  /// cell are escaped.
  void add(std::vector<std::string> cells);
  void add(std::vector<std::string> cells, std::size_t coloured, colour in);
  /// Fits a terminal; away from one rows are as long as they are.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string text(std::size_t width_max) const;
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
/// How many columns a terminal needs for it: characters and not bytes, wide ones twice, colours
/// not at all.
std::size_t width_of(std::string_view text);
/// The text in at most so many columns, with an ellipsis where it was cut. Colours are ended.
std::string cut_to(std::string_view text, std::size_t columns);
/// Blanks behind it until it is so wide.
std::string padded(std::string text, std::size_t columns);
/// `▁▂▅▇`: the values as bars one character wide, the last `columns` of them, from 0 to the
/// largest.
std::string sparkline(const std::vector<double>& values, std::size_t columns);

/// Text whose lines are at most `columns` wide: broken between words, continued below the last
/// column of the line (after two spaces or more), or below its beginning. A command to be copied
/// (`  greenroom …`) is continued with a backslash.
std::string wrapped(std::string_view text, std::size_t columns);

/// Prints lines of text; on a terminal they are wrapped to its width.
void print_text(const std::string& text);

/// Prints `label` in its colour, then the text in a column of its own; on a terminal the text is
/// wrapped within that column.
void print_labelled(std::string_view label, colour in, const std::string& text);

/// Writes out what is buffered. False when nobody can read it: the pipe is closed, the disk full.
bool flush_output();
/// The reader of standard output has gone, so more output is of no use.
bool is_output_closed();
/// At the end of the program: `code`, or 1 with a message when the output could not be written (a
/// full disk). A closed pipe (`greenroom status | head -1`) is no failure: the reader had enough.
int finish_output(int code);

/// Draws a block of lines at the same place again and again. Away from a terminal it writes
/// nothing: who uses it decides what is worth a plain line there. Lines are cut to the width and
/// the block to the height of the terminal, since a wrapped line would leave a copy of itself
/// behind.
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
