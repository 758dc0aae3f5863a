#include "runtime/machine/process/port_listener.hpp"

#include "protocols/base/number.hpp"
#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/proc_text.hpp"
#include "runtime/machine/process/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>

namespace greenroom::machine {

namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view listens = "0A";  ///< TCP_LISTEN, in the kernel's notation.

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return words;
    const auto end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

/// The kernel writes each four bytes of an address as one number in this machine's byte order.
std::optional<ip::address> address_in(std::string_view hex) {
  std::array<unsigned char, 16> bytes{};
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  for (std::size_t at = 0; at < hex.size(); at += 8) {
    const auto value = base::parse_number<std::uint32_t>(hex.substr(at, 8), 16);
    if (!value) return std::nullopt;
    std::memcpy(bytes.data() + at / 2, &*value, 4);
  }
  if (hex.size() == 32) {
    const ip::address_v6 whole{bytes};
    if (whole.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, whole);
    return whole;
  }
  ip::address_v4::bytes_type four{};
  std::copy_n(bytes.begin(), four.size(), four.begin());
  return ip::address_v4{four};
}

/// True when the last whole line is a socket that does not listen: listening sockets come first.
bool past_the_listening(std::string_view text) {
  const auto end = text.rfind('\n');
  if (end == std::string_view::npos || end == 0) return false;
  const auto begin = text.rfind('\n', end - 1);
  if (begin == std::string_view::npos) return false;  // The column names.
  const auto words = words_of(text.substr(begin + 1, end - begin - 1));
  return words.size() > 3 && words[3] != listens;
}

/// Reads only the beginning of the table, which may be long.
void append_listeners(std::vector<listening_socket>& to, const char* path, std::uint16_t port) {
  const descriptor file{::open(path, O_RDONLY | O_CLOEXEC)};
  std::string text;
  std::array<char, 16384> room{};
  while (file && !past_the_listening(text)) {
    const auto count = ::read(file.number(), room.data(), room.size());
    if (count <= 0) break;
    text.append(room.data(), static_cast<std::size_t>(count));
  }
  for (auto& one : listeners_in(text, port)) to.push_back(std::move(one));
}

bool has_instance(int pid, std::string_view instance) {
  if (instance.empty()) return false;
  return variable_in(proc_text("/proc/" + std::to_string(pid) + "/environ"), instance_variable)
         == instance;
}

bool belongs_to(int pid, int child, std::string_view instance) {
  constexpr int generations = 64;
  auto at = pid;
  for (int i = 0; i < generations && at > 1; ++i) {
    if (at == child) return true;
    const auto about = stat_of_process(at);
    if (about.state == 0) break;
    if (about.group == child) return true;
    at = about.parent;
  }
  return has_instance(pid, instance);
}

/// Calls `take` for each of the wanted inodes that the process has open.
void each_held(int pid, const std::set<std::uint64_t>& wanted,
               const std::function<void(std::uint64_t)>& take) {
  const auto folder = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir(folder.c_str()), &::closedir};
  while (all) {
    const auto* const entry = ::readdir(all.get());
    if (entry == nullptr) return;
    std::array<char, 64> link{};
    const auto length = ::readlinkat(::dirfd(all.get()), entry->d_name, link.data(), link.size());
    constexpr std::string_view before = "socket:[";
    const std::string_view text{link.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
    if (!text.starts_with(before) || !text.ends_with(']')) continue;
    const auto inode = base::parse_number<std::uint64_t>(
        text.substr(before.size(), text.size() - before.size() - 1), 10);
    if (inode && wanted.contains(*inode)) take(*inode);
  }
}

}  // namespace

std::vector<listening_socket> listeners_in(std::string_view text, std::uint16_t port) {
  std::vector<listening_socket> result;
  text.remove_prefix(std::min(text.find('\n'), text.size()));  // The column names.
  while (!text.empty()) {
    text.remove_prefix(1);
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size());
    const auto words = words_of(line);
    if (words.size() < 10) continue;
    if (words[3] != listens) break;
    const auto colon = words[1].find(':');
    if (colon == std::string_view::npos) continue;
    const auto number = base::parse_number<std::uint16_t>(words[1].substr(colon + 1), 16);
    const auto address = address_in(words[1].substr(0, colon));
    if (!address || number != port) continue;
    result.push_back({*address, port, base::parse_number<unsigned>(words[7], 10).value_or(0),
                      base::parse_number<std::uint64_t>(words[9], 10).value_or(0)});
  }
  return result;
}

std::vector<listening_socket> listeners_at(const ip::address& address, std::uint16_t port) {
  std::vector<listening_socket> all;
  append_listeners(all, "/proc/net/tcp", port);
  append_listeners(all, "/proc/net/tcp6", port);
  const bool exact =
      std::ranges::any_of(all, [&](const auto& one) { return one.address == address; });
  std::erase_if(all, [&](const auto& one) {
    if (exact) return one.address != address;
    // A socket on all IPv6 addresses accepts IPv4 too, unless it is IPv6-only.
    return !one.address.is_unspecified() || (address.is_v6() && one.address.is_v4());
  });
  // A socket on all IPv4 addresses has priority for an IPv4 connection.
  const bool same = std::ranges::any_of(
      all, [&](const auto& one) { return one.address.is_v4() == address.is_v4(); });
  if (same)
    std::erase_if(all, [&](const auto& one) { return one.address.is_v4() != address.is_v4(); });
  return all;
}

listener_finding whose(const std::vector<listening_socket>& sockets, int child,
                       std::string_view instance) {
  std::set<std::uint64_t> foreign;
  for (const auto& one : sockets) foreign.insert(one.inode);
  const auto strike = [&](std::uint64_t inode) { foreign.erase(inode); };
  listener_finding result;
  // Usually the child itself listens.
  if (child > 0) each_held(child, std::set<std::uint64_t>{foreign}, strike);
  if (!foreign.empty()) {
    std::set<std::uint64_t> theirs = foreign;
    const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir("/proc"), &::closedir};
    while (all && !foreign.empty()) {
      const auto* const entry = ::readdir(all.get());
      if (entry == nullptr) break;
      const auto pid = base::parse_number<int>(entry->d_name, 10);
      if (!pid) continue;
      std::set<std::uint64_t> held;
      each_held(*pid, theirs, [&](std::uint64_t inode) { held.insert(inode); });
      if (held.empty()) continue;
      if (belongs_to(*pid, child, instance)) {
        for (const auto inode : held) foreign.erase(inode);
      } else if (result.pid == 0) {
        result.pid = *pid;
        result.program = stat_of_process(*pid).program;
      }
    }
  }
  result.own = !sockets.empty() && foreign.empty();
  if (result.own) return {true, 0, {}, 0};
  for (const auto& one : sockets)
    if (foreign.contains(one.inode)) result.user = one.user;
  return result;
}

}  // namespace greenroom::machine
