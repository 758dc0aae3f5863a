// Output to a terminal, a file or a pipe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::apps {

enum class colour { none, red, green, yellow, blue, grey, bold };

/// True when stdout is a terminal, so that lines can be redrawn.
bool is_terminal();
/// True on a terminal unless NO_COLOR (https://no-color.org) is set.
bool has_colour();
/// The terminal's width in columns, else 100.
std::size_t terminal_width();

/// The text in that colour, or unchanged where `has_colour` is false.
std::string paint(std::string_view text, colour in);

/// A table with columns as wide as needed and numbers aligned right. On a terminal rows fit the
/// width: optional columns are dropped, then the widest text is shortened.
class table {
public:
  struct column {
    std::string title;
    bool number = false;
    int drop = 0;        ///< Order in which columns are dropped, the largest first; 0: never.
    bool whole = false;  ///< Never shortened, e.g. an id that users copy.
  };
  explicit table(std::vector<column> columns);
  /// `cells` has one text per column. `in` colours the cell `coloured`. Control characters are
  /// escaped.
  void add(std::vector<std::string> cells);
  void add(std::vector<std::string> cells, std::size_t coloured, colour in);
  /// Fits the terminal's width; elsewhere rows have their full length.
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
/// Columns on a terminal: wide characters count twice, colour sequences not at all.
std::size_t width_of(std::string_view text);
/// The text cut to `columns` with an ellipsis. Open colours are closed.
std::string cut_to(std::string_view text, std::size_t columns);
/// The text padded with blanks on the right to `columns`.
std::string padded(std::string text, std::size_t columns);
/// `▁▂▅▇`: the last `columns` values as bars, scaled from 0 to the largest.
std::string sparkline(const std::vector<double>& values, std::size_t columns);

/// Wraps lines at `columns`, between words. Continued lines are indented to the line's last column
/// (text after two or more blanks), or to the line's own indent. A command for copying, such as
/// `  greenroom …`, is continued with a backslash.
std::string wrapped(std::string_view text, std::size_t columns);

/// Prints lines of text; on a terminal they are wrapped to its width.
void print_text(const std::string& text);

/// Prints `label` in colour, then the text in a column of its own, wrapped on a terminal.
void print_labelled(std::string_view label, colour in, const std::string& text);

/// Flushes stdout. False when writing failed: a closed pipe, a full disk.
bool flush_output();
/// True when the reader of stdout has closed the pipe.
bool is_output_closed();
/// Call at the end of the program. Returns `code`, or 1 with a message when the output could not be
/// written. A closed pipe (`greenroom status | head -1`) is not an error.
int finish_output(int code);

/// A block of lines that is redrawn in place. Away from a terminal it prints nothing; callers print
/// plain lines there. Lines and block are cut to the terminal's size, since a wrapped line would
/// not be erased by the next draw.
class live_block {
public:
  /// Replaces what was drawn before.
  void draw(const std::vector<std::string>& lines);
  /// Erases the block.
  void clear();

private:
  std::size_t drawn_ = 0;
};

}  // namespace greenroom::apps
