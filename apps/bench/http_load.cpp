#include "apps/bench/http_load.hpp"

#include "apps/bench/benchmarks.hpp"
#include "apps/bench/stage.hpp"
#include "protocols/base/json_writer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::bench {

namespace {

struct connection {
  int fd = -1;
  std::int64_t since_ns = 0;
  std::string in;
};

/// Length and status of the first complete answer in `bytes`; 0: incomplete.
std::pair<std::size_t, int> answer_in(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {0, 0};
  constexpr std::string_view field = "ontent-Length: ";  // The first letter varies in case.
  const auto at = bytes.substr(0, end).find(field);
  std::size_t length = 0;
  if (at != std::string_view::npos)
    std::from_chars(bytes.data() + at + field.size(), bytes.data() + end, length);
  const auto whole = end + 4 + length;
  if (bytes.size() < whole) return {0, 0};
  int status = 0;
  constexpr std::size_t status_at = 9;  // After "HTTP/1.1 ".
  std::from_chars(bytes.data() + status_at, bytes.data() + status_at + 3, status);
  return {whole, status};
}

std::vector<std::string> requests_of(const http_order& order) {
  std::vector<std::string> result;
  std::string input;
  for (std::size_t i = 0; i < order.specialists; ++i) {
    write_input(input, i);
    auto body = input;
    if (order.what != http_load::echo) {
      base::json_object task{{"specialist", name_of(i)}, {"input", base::json_raw{input}}};
      if (order.what == http_load::async_task) task.add("mode", "async");
      body = std::move(task).text();
    }
    result.push_back(
        "POST /v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/json\r\nContent-Length: "
        + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  return result;
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return -1;
  return fd;
}

/// @pre six words, as `http_load_from_outside` writes them
http_order order_of(const std::vector<std::string>& arguments) {
  http_order order;
  order.port = static_cast<std::uint16_t>(std::atoi(arguments[0].c_str()));
  order.connections = static_cast<std::size_t>(std::atoll(arguments[1].c_str()));
  order.seconds = std::atof(arguments[2].c_str());
  order.what = static_cast<http_load>(std::atoi(arguments[3].c_str()));
  order.specialists = static_cast<std::size_t>(std::atoll(arguments[4].c_str()));
  order.status = std::atoi(arguments[5].c_str());
  return order;
}

}  // namespace

int http_child(const std::vector<std::string>& arguments) {
  if (arguments.size() < 6) return 2;
  const auto order = order_of(arguments);
  const auto requests = requests_of(order);
  const auto picks = zipf_picks(order.specialists);
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<connection> all(order.connections);
  std::uint64_t sent = 0, wrong = 0;
  runtime::load::latency_recorder latencies;
  const auto ask = [&](connection& one) {
    const auto& text = requests[picks[sent++ % picks.size()]];
    one.since_ns = now_ns();
    return ::write(one.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  const auto warm_until = now_ns() + static_cast<std::int64_t>(order.seconds * 1e9 / 4);
  const auto until = warm_until + static_cast<std::int64_t>(order.seconds * 1e9);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].fd = connect_to(order.port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (all[i].fd < 0 || ::epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event) != 0 || !ask(all[i])) {
      std::printf("no connection\n");
      return 1;
    }
  }
  std::array<epoll_event, 64> events{};
  std::array<char, 16'384> buffer{};
  for (auto outstanding = all.size(); outstanding > 0;) {
    const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 10'000);
    if (count <= 0) {
      std::printf("no answer for 10 seconds\n");
      return 1;
    }
    for (int i = 0; i < count; ++i) {
      auto& one = all[events[static_cast<std::size_t>(i)].data.u64];
      const auto got = ::read(one.fd, buffer.data(), buffer.size());
      if (got <= 0) {
        std::printf("the connection was closed\n");
        return 1;
      }
      std::string_view bytes{buffer.data(), static_cast<std::size_t>(got)};
      if (!one.in.empty()) bytes = one.in.append(bytes);
      const auto [length, status] = answer_in(bytes);
      if (length == 0) {
        if (one.in.empty()) one.in = bytes;
        continue;
      }
      one.in.clear();
      const auto at = now_ns();
      if (status != order.status) ++wrong;
      if (at >= warm_until && at < until) latencies.add(at - one.since_ns);
      if (at >= until || !ask(one)) --outstanding;
    }
  }
  const auto found = figures_of(latencies, order.seconds);
  std::printf("%.1f %.2f %.2f %.2f %llu\n", found.tasks_per_s, found.p50_us, found.p99_us,
              found.p999_us, static_cast<unsigned long long>(wrong));
  return 0;
}

http_report http_load_from_outside(const settings& how, const http_order& order) {
  http_report report;
  const auto output =
      run_child(how, "http-child " + std::to_string(order.port) + " "
                         + std::to_string(order.connections) + " " + std::to_string(order.seconds)
                         + " " + std::to_string(static_cast<int>(order.what)) + " "
                         + std::to_string(order.specialists) + " " + std::to_string(order.status));
  unsigned long long wrong = 0;
  auto& found = report.found;
  if (std::sscanf(output.c_str(), "%lf %lf %lf %lf %llu", &found.tasks_per_s, &found.p50_us,
                  &found.p99_us, &found.p999_us, &wrong)
      != 5)
    report.trouble = "the load client failed: " + output;
  report.wrong = wrong;
  return report;
}

}  // namespace greenroom::bench
