// What the policy learnt, as text and back.
//
// One line for the fleet, one for the mixture, one for each specialist that was ever visited, and
// a checksum over all of it. Zeros are left out: `3=1.5` is the fourth number. Sessions under way
// and announcements are of the moment and are not kept.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "runtime/pooling/greenroom_policy.hpp"

namespace greenroom::runtime {
namespace {

constexpr std::string_view heading = "greenroom-warm-policy 1";

std::uint64_t checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

class writer {
public:
  void line(std::string_view kind) {
    if (!text.empty()) text += '\n';
    text += kind;
  }
  void number(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text += ' ';
    text.append(digits.data(), end);
  }
  template <class Numbers>
  void numbers(const Numbers& values) {
    text += " [";
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] == 0) continue;
      text += ' ';
      text += std::to_string(i);
      text += '=';
      std::array<char, 32> digits{};
      text.append(digits.data(),
                  std::to_chars(digits.data(), digits.data() + digits.size(), values[i]).ptr);
    }
    text += " ]";
  }
  /// A name may hold spaces and line ends: everything unusual is written as %xx.
  void name(std::string_view what) {
    text += ' ';
    for (const char c : what) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte > 0x20 && byte < 0x7F && c != '%') {
        text += c;
      } else {
        constexpr std::string_view hex = "0123456789abcdef";
        text += '%';
        text += hex[byte / 16];
        text += hex[byte % 16];
      }
    }
  }

  std::string text;
};

/// Words of one line; every error makes `good` false, and it stays so.
class reader {
public:
  explicit reader(std::string_view line) : rest_(line) {}

  std::string_view word() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (found.empty()) good = false;
    return found;
  }
  template <class Number>
  Number number_of(std::string_view text) {
    Number value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size()) good = false;
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(value)) good = false;
    }
    return good ? value : Number{};
  }
  double number() { return number_of<double>(word()); }
  template <class Numbers>
  void numbers(Numbers& values) {
    using value_type = typename Numbers::value_type;
    values.fill(value_type{});
    if (word() != "[") good = false;
    while (good) {
      const std::string_view entry = word();
      if (entry == "]") return;
      const std::size_t equals = entry.find('=');
      if (equals == std::string_view::npos) {
        good = false;
        return;
      }
      const auto at = number_of<std::size_t>(entry.substr(0, equals));
      const auto value = number_of<value_type>(entry.substr(equals + 1));
      if (!good || at >= values.size()) {
        good = false;
        return;
      }
      values[at] = value;
    }
  }
  std::string name() {
    const std::string_view text = word();
    std::string found;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        found += text[i];
        continue;
      }
      unsigned byte = 0;
      const auto [end, code] = std::from_chars(
          text.data() + i + 1, text.data() + std::min(i + 3, text.size()), byte, 16);
      if (code != std::errc{} || end != text.data() + i + 3) {
        good = false;
        return {};
      }
      found += static_cast<char>(byte);
      i += 2;
    }
    return found;
  }

  bool good = true;

private:
  std::string_view rest_;
};

}  // namespace

std::string greenroom_policy::save(std::span<const std::string> names) const {
  writer out;
  out.line(heading);
  out.line("fleet");
  const fleet_rhythm::memory& fleet = fleet_.remembered();
  out.number(fleet.start_s);
  out.number(fleet.counted_s);
  out.numbers(fleet.counts);
  out.numbers(fleet.hour);
  out.numbers(fleet.ended);
  out.numbers(fleet.expected);
  out.number(fleet_visits_);
  out.line("mixture");
  out.numbers(mixture_.remembered().weight);
  out.numbers(mixture_.remembered().squares);
  out.line("price");
  const price_controller::memory price = price_.remembered();
  out.numbers(price.spent);
  out.number(price.share_s);
  out.number(price.busy_s);
  out.number(price.observed_s);
  out.number(price.total_mb);
  out.number(adaptation_.remembered().threshold);
  out.number(static_cast<double>(adaptation_.remembered().given_up));
  out.number(announced_came_);
  out.number(announced_promised_);
  out.number(marginal_rate_);
  for (std::size_t i = 0; i < members_.size() && i < names.size(); ++i) {
    const member& one = members_[i];
    if (one.history.visits == 0) continue;
    out.line("specialist");
    out.name(names[i]);
    out.number(static_cast<double>(one.history.visits));
    out.number(one.history.visit_s);
    out.number(one.history.idle_since_s);
    out.numbers(one.history.recent);
    out.numbers(one.history.ended);
    out.numbers(one.history.lasted_s);
    out.numbers(one.history.interval_s);
    out.numbers(one.history.hour);
    out.numbers(one.history.weekday);
    out.numbers(one.trust.weight);
    out.numbers(one.trust.squares);
    out.number(static_cast<double>(one.trust.foreseen));
    out.number(static_cast<double>(one.trust.came));
  }
  const std::uint64_t sum = checksum(out.text);
  out.line("checksum ");
  out.text += std::to_string(sum);
  out.text += '\n';
  return std::move(out.text);
}

std::optional<std::string> greenroom_policy::restore(std::string_view text,
                                                     std::span<const std::string> names) {
  const std::size_t sum_at = text.rfind("\nchecksum ");
  if (text.substr(0, text.find('\n')) != heading) {
    return "not a state of this version (it begins with '" + std::string(heading) + "')";
  }
  if (sum_at == std::string_view::npos) return "the checksum is missing";
  reader sum(text.substr(sum_at + 1, text.find('\n', sum_at + 1) - sum_at - 1));
  sum.word();
  if (sum.number_of<std::uint64_t>(sum.word()) != checksum(text.substr(0, sum_at)) || !sum.good) {
    return "the checksum does not match";
  }

  std::unordered_map<std::string_view, specialist_index> index;
  for (std::size_t i = 0; i < names.size() && i < members_.size(); ++i) {
    index.emplace(names[i], static_cast<specialist_index>(i));
  }
  fleet_rhythm::memory fleet;
  intensity_mixture::memory mixture;
  price_controller::memory price;
  warm_adaptation::memory adapted;
  double visits = 0;
  double came = 0;
  double promised = 0;
  double marginal = 0;
  std::vector<std::pair<specialist_index, member>> found;

  std::string_view rest = text.substr(0, sum_at);
  std::size_t line_number = 0;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    reader line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (++line_number == 1) continue;
    const std::string_view kind = line.word();
    if (kind == "fleet") {
      fleet.start_s = line.number();
      fleet.counted_s = line.number();
      line.numbers(fleet.counts);
      line.numbers(fleet.hour);
      line.numbers(fleet.ended);
      line.numbers(fleet.expected);
      visits = line.number();
    } else if (kind == "mixture") {
      line.numbers(mixture.weight);
      line.numbers(mixture.squares);
    } else if (kind == "price") {
      line.numbers(price.spent);
      price.share_s = line.number();
      price.busy_s = line.number();
      price.observed_s = line.number();
      price.total_mb = line.number();
      adapted.threshold = line.number();
      adapted.given_up = static_cast<std::size_t>(std::max(0.0, line.number()));
      came = line.number();
      promised = line.number();
      marginal = line.number();
    } else if (kind == "specialist") {
      const std::string name = line.name();
      member one;
      one.history.visits = static_cast<std::uint64_t>(std::max(0.0, line.number()));
      one.history.visit_s = line.number();
      one.history.idle_since_s = line.number();
      line.numbers(one.history.recent);
      line.numbers(one.history.ended);
      line.numbers(one.history.lasted_s);
      line.numbers(one.history.interval_s);
      line.numbers(one.history.hour);
      line.numbers(one.history.weekday);
      line.numbers(one.trust.weight);
      line.numbers(one.trust.squares);
      one.trust.foreseen = static_cast<float>(line.number());
      one.trust.came = static_cast<float>(line.number());
      const auto at = index.find(name);
      if (line.good && at != index.end()) found.emplace_back(at->second, one);
    } else {
      line.good = false;
    }
    if (!line.good) return "line " + std::to_string(line_number) + " cannot be read";
  }

  fleet_.remember(fleet);
  mixture_.remember(mixture);
  price_.remember(price);
  adaptation_.remember(adapted);
  fleet_visits_ = visits;
  announced_came_ = came;
  announced_promised_ = promised;
  if (marginal > 0) marginal_rate_ = marginal;
  seen_ = 0;
  for (auto& [who, one] : found) {
    one.facts = facts_[who];
    members_[who] = one;
    seen_ += 1.0;
    due_.set(who, one.history.idle_since_s + settle_s(one));
  }
  return std::nullopt;
}

}  // namespace greenroom::runtime
