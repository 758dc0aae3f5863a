#include "runtime/state_text.hpp"

#include "protocols/base/hash.hpp"
#include "runtime/record.hpp"

#include <limits>
#include <utility>

namespace greenroom::runtime {

namespace {

constexpr std::string_view numbers_key = "numbers";

base::problem other_version(std::uint32_t found, std::uint32_t wanted) {
  return {"version", "version " + std::to_string(found) + ", expected " + std::to_string(wanted)};
}

}  // namespace

std::string state_writer::sealed(std::string_view kind, std::uint32_t version) const {
  record_writer out{kind, version};
  out.put_block(numbers_key, body_);
  return std::move(out).finish();
}

base::expected<std::string_view> state_reader::open(std::string_view sealed, std::string_view kind,
                                                    std::uint32_t version) {
  // The first format begins with the length of the kind.
  if (!sealed.starts_with(kind)) return open_first_format(sealed, kind, version);
  const auto in = record_reader::open(sealed, kind, std::numeric_limits<std::uint32_t>::max());
  if (!in) return in.error();
  if (in->version() != version) return other_version(in->version(), version);
  if (const auto numbers = in->block(numbers_key)) return *numbers;
  return base::problem{"damaged", std::string(kind) + " has no numbers"};
}

base::expected<std::string_view> state_reader::open_first_format(std::string_view sealed,
                                                                 std::string_view kind,
                                                                 std::uint32_t version) {
  state_reader head(sealed);
  const std::string_view found = head.text();
  if (head.failed() || found != kind)
    return base::problem{"kind", "not a saved " + std::string(kind)};
  const std::uint32_t found_version = head.integer32();
  const std::uint64_t length = head.integer();
  const std::uint64_t sum = head.integer();
  if (head.failed()) return base::problem{"damaged", "cut short in its first bytes"};
  if (found_version != version) return other_version(found_version, version);
  if (head.rest_.size() != length) {
    return base::problem{"damaged", std::to_string(head.rest_.size()) + " bytes, expected "
                                        + std::to_string(length)};
  }
  if (base::fnv1a(head.rest_) != sum)
    return base::problem{"damaged", "the checksum does not match"};
  return head.rest_;
}

std::uint64_t state_reader::integer() {
  if (failed_ || rest_.size() < 8) {
    failed_ = true;
    return 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(8);
  return value;
}

std::uint32_t state_reader::integer32() {
  if (failed_ || rest_.size() < 4) {
    failed_ = true;
    return 0;
  }
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(4);
  return value;
}

std::uint32_t state_reader::member() {
  const std::uint32_t found = integer32();
  if (found >= members_) failed_ = true;
  return failed_ ? 0 : found;
}

std::uint32_t state_reader::member_or(std::uint32_t none) {
  const std::uint32_t found = integer32();
  if (found >= members_ && found != none) failed_ = true;
  return failed_ ? none : found;
}

double state_reader::number() { return std::bit_cast<double>(integer()); }
float state_reader::small_number() { return std::bit_cast<float>(integer32()); }

std::string_view state_reader::text() {
  const std::uint64_t length = integer();
  if (failed_ || length > rest_.size()) {
    failed_ = true;
    return {};
  }
  const std::string_view found = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return found;
}

std::size_t state_reader::count(std::size_t limit, std::size_t bytes_each) {
  const std::uint64_t found = integer();
  if (failed_ || found > limit || (bytes_each > 0 && found > rest_.size() / bytes_each)) {
    failed_ = true;
    return 0;
  }
  return static_cast<std::size_t>(found);
}

double state_reader::number_within(double low, double high) {
  const double found = number();
  if (!(found >= low && found <= high)) failed_ = true;
  return failed_ ? low : found;
}

float state_reader::small_number_within(float low, float high) {
  const float found = small_number();
  if (!(found >= low && found <= high)) failed_ = true;
  return failed_ ? low : found;
}

}  // namespace greenroom::runtime
