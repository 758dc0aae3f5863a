// The nodes that benchmarks run against, and their surroundings.
#pragma once

#include "actors/doors/http_door.hpp"
#include "actors/node/node.hpp"
#include "apps/bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace greenroom::bench {

constexpr std::size_t departments = 19;
constexpr std::size_t payload_bytes = 256;

/// Steady clock, nanoseconds.
[[nodiscard]] std::int64_t now_ns();
/// Resident memory of this process, in bytes.
[[nodiscard]] double resident_bytes();
/// `actor-7`: short enough for the small-string buffer, like most names.
[[nodiscard]] std::string name_of(std::size_t specialist);
/// Writes 256 bytes of JSON that contain `number`.
void write_input(std::string& into, std::uint64_t number);
/// Whether `output` is the text of `write_input` for `number`.
[[nodiscard]] bool answers(const std::string& output, std::uint64_t number);
/// 65,536 picks by Zipf's law with exponent 1, equal in every run.
[[nodiscard]] std::vector<std::uint32_t> zipf_picks(std::size_t specialists);
/// Gaps of Poisson arrivals, in ns. Precomputed, because a logarithm takes as long as a send.
[[nodiscard]] std::vector<double> exponential_gaps(double rate_per_s);

/// An empty directory below the scratch directory; the destructor removes it.
class scratch_directory {
public:
  explicit scratch_directory(const settings& how);
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// A cast whose specialists have no backend yet.
[[nodiscard]] config::node cast_of(std::size_t specialists);
/// Echo callables that run inline on the sending thread.
struct functions {
  config::node configuration;
  std::vector<node::registration> callables;
};
[[nodiscard]] functions echo_functions(std::size_t specialists);
/// Child processes of the C echo worker, with a warm slot for each.
[[nodiscard]] config::node echo_processes(std::size_t specialists, const settings& how);

using node_or_error = std::variant<std::unique_ptr<node>, std::string>;
/// Returns when every specialist that fits is warm.
[[nodiscard]] node_or_error open_functions(functions cast, bool without_journal = true);
[[nodiscard]] node_or_error open_processes(config::node configuration, const settings& how);
void await_warm(const node& of, std::size_t how_many);

using door_or_error = std::variant<std::unique_ptr<doors::http_door>, std::string>;
[[nodiscard]] door_or_error open_door(node& of);

}  // namespace greenroom::bench
