// A request's path to the handler, and the answer's path back to the connection.
#include "runtime/machine/http/exchange.hpp"

#include "runtime/machine/http/response_head.hpp"
#include "runtime/machine/http/server.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace greenroom::machine::http {

namespace net = boost::asio;

namespace {

/// Marks the request as answered. Loop thread.
void forget(restinio::request_id_t number, connection_record& record) {
  if (record.unanswered > 0) --record.unanswered;
  std::erase_if(record.at_close, [&](const auto& one) { return one.request == number; });
}

}  // namespace

void send(exchange& ours, std::string head, std::string body, bool last,
          std::function<void()> written) {
  auto& record = *ours.connection;
  // Hold the connection: RESTinio may close it while it takes the bytes.
  const auto link = std::static_pointer_cast<restinio::impl::connection_base_t>(record.link);
  if (ours.sent) return;
  if (last) {
    forget(ours.number, record);
    ours.sent = true;
  }
  if (!link || !record.socket || record.last_words_said) {
    ours.gone.store(true, std::memory_order_relaxed);
    return;
  }
  auto size = head.size() + body.size();
  if (!record.counts(size)) size = 0;
  if (size > 0 && !record.take_on(size)) {
    record.home->totals->refused.fetch_add(1, std::memory_order_relaxed);
    // A begun answer cannot be replaced by an error.
    if (!last || head.empty()) return record.cut();
    head = last_words(503, "answers-full",
                      "Too many large answers wait for clients that are slow to read; retry later.",
                      error_form_of(ours));
    body.clear();
    size = 0;
    ours.keep_alive = false;
  }
  const auto closes = last && !ours.keep_alive;
  if (closes) record.leaving = true;
  restinio::writable_items_container_t items;
  items.reserve(2);
  if (!head.empty()) items.emplace_back(std::move(head));
  if (!body.empty()) items.emplace_back(std::move(body));
  // RESTinio would never remove a group without bytes from the connection's list.
  if (items.empty()) items.emplace_back(restinio::const_buffer("", 0));
  restinio::write_group_t group{std::move(items)};
  // The record outlives the group: RESTinio's connection owns both and destroys the group first.
  group.after_write_notificator(
      [written = std::move(written), one = &record, last, size](const auto&) {
        if (written) written();
        one->sent_off(size);
        if (last) one->answer_written();
      });
  link->write_response_parts(ours.number,
                             {last ? restinio::response_parts_attr_t::final_parts
                                   : restinio::response_parts_attr_t::not_final_parts,
                              closes ? restinio::response_connection_attr_t::connection_close
                                     : restinio::response_connection_attr_t::connection_keepalive},
                             std::move(group));
}

namespace {

/// Sends the outbox. Loop thread.
void flush(const std::shared_ptr<incoming>& asked) {
  auto& ours = exchange_of(*asked);
  std::string bytes;
  auto last = false;
  {
    const std::lock_guard lock{ours.guard};
    ours.flushing = false;
    bytes.swap(ours.outbox);
    last = ours.ended && !ours.complete;
    if (last) ours.complete = true;
  }
  if (bytes.empty() && !last) return;
  if (last) ours.connection->streaming = false;
  const auto size = bytes.size();
  // The callback must not own the request: request → connection → callback would be a cycle.
  send(ours, {}, std::move(bytes), last, [weak = std::weak_ptr{asked}, size] {
    const auto still = weak.lock();
    if (!still) return;
    auto& mine = exchange_of(*still);
    if (mine.unsent.fetch_sub(size, std::memory_order_relaxed) == size && mine.room) mine.room();
  });
}

/// Appends to a begun answer's outbox and schedules a flush.
template <class Append>
void gather(const std::shared_ptr<incoming>& asked, Append append) {
  auto& ours = exchange_of(*asked);
  {
    const std::lock_guard lock{ours.guard};
    if (ours.ended) return;
    const auto before = ours.outbox.size();
    append(ours.outbox);
    ours.unsent.fetch_add(ours.outbox.size() - before, std::memory_order_relaxed);
    if (std::exchange(ours.flushing, true)) return;
  }
  run_on_loop(ours, [asked] { flush(asked); });
}

void append_chunk(std::string& to, std::string_view piece, bool chunked) {
  if (!chunked) {
    to += piece;
    return;
  }
  std::array<char, 20> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
  to.append(size.data(), end);
  to += "\r\n";
  to += piece;
  to += "\r\n";
}

}  // namespace

exchange::~exchange() {
  // Without an answer, RESTinio's connection would wait until it closes.
  if (!connection || sent || connection->home->ended.load(std::memory_order_acquire)) return;
  const auto begun = answered.load();
  net::post(connection->home->io, [record = connection, order = number, begun, alive = keep_alive,
                                   old = old_client, form = error_form_of(*this)]() mutable {
    if (begun) return record->cut();
    std::string text;
    const auto body = error_body(500, "internal", nobody_answered, form);
    append_head(text, {500, error_media_type(form), {}, body.size(), alive, old});
    text += body;
    exchange instead;
    instead.connection = std::move(record);
    instead.number = order;
    instead.keep_alive = alive;
    instead.answered = true;
    send(instead, std::move(text), {}, true);
  });
}

std::string_view to_string(method value) {
  constexpr std::array<std::string_view, 8> names{"GET",    "HEAD",  "POST",    "PUT",
                                                  "DELETE", "PATCH", "OPTIONS", "OTHER"};
  return names[static_cast<std::size_t>(value)];
}

// -- request ------------------------------------------------------------------

method request::verb() const {
  const auto verb = of(inside_).header().method();
  if (verb == restinio::http_method_get()) return method::get;
  if (verb == restinio::http_method_post()) return method::post;
  if (verb == restinio::http_method_head()) return method::head;
  if (verb == restinio::http_method_put()) return method::put;
  if (verb == restinio::http_method_delete()) return method::delete_;
  if (verb == restinio::http_method_patch()) return method::patch;
  if (verb == restinio::http_method_options()) return method::options;
  return method::other;
}

std::string_view request::method_name() const { return of(inside_).header().method().c_str(); }

std::string_view request::path() const {
  std::string_view target = of(inside_).header().request_target();
  // The absolute form is meant for proxies, but every server must accept it.
  if (!target.starts_with('/')) {
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos) {
      const auto slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
  }
  return target.substr(0, target.find_first_of("?#"));
}

std::string_view request::query() const {
  std::string_view target = of(inside_).header().request_target();
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

std::optional<std::string_view> request::header(std::string_view name) const {
  std::optional<std::string_view> found;
  of(inside_).header().for_each_field([&](const auto& field) {
    if (!found && equal_caseless(field.name(), name)) found = field.value();
  });
  return found;
}

request::provenance request::from() const {
  provenance result;
  const auto note = [&result](std::optional<std::string_view>& first, std::string_view value) {
    if (first)
      result.repeated = true;
    else
      first = value;
  };
  const auto& header = of(inside_).header();
  header.for_each_field([&](const auto& field) {
    constexpr std::string_view site = "Sec-Fetch-Site";
    switch (field.field_id()) {
      case restinio::http_field::host: result.host = field.value(); break;
      case restinio::http_field::origin: note(result.origin, field.value()); break;
      case restinio::http_field::content_type: note(result.content_type, field.value()); break;
      case restinio::http_field::field_unspecified:
        if (equal_caseless(field.name(), site)) note(result.fetch_site, field.value());
        break;
      default: break;
    }
  });
  // RFC 9112, section 3.2.2: a host in the target replaces the Host field.
  std::string_view target = header.request_target();
  if (const auto scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    result.host = target.substr(0, target.find_first_of("/?#"));
  }
  return result;
}

std::string_view request::body() const { return of(inside_).body(); }

std::string request::take_body() {
  // The request object is not const; only RESTinio's accessor is.
  return std::move(const_cast<std::string&>(of(inside_).body()));
}

void request::release() {
  // As in `take_body`. RESTinio has already read the fields; method and version stay.
  auto& asked = of(inside_);
  std::string{}.swap(const_cast<std::string&>(asked.body()));
  constexpr std::size_t few = 4096;
  if (head_bytes() <= few) return;
  auto& fields = static_cast<restinio::http_header_fields_t&>(
      const_cast<restinio::http_request_header_t&>(asked.header()));
  fields = restinio::http_header_fields_t{};
}

std::size_t request::head_bytes() const {
  const auto& header = of(inside_).header();
  // Each field is two strings and a list entry.
  constexpr std::size_t overhead = 96;
  auto bytes = sizeof(incoming) + header.request_target().size();
  header.for_each_field(
      [&](const auto& field) { bytes += field.name().size() + field.value().size() + overhead; });
  return bytes;
}

// -- responder ----------------------------------------------------------------

void responder::answer(int status, std::string_view content_type, std::string body,
                       std::string_view headers) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.answered.exchange(true)) return;
  /// Up to this size one buffer is cheaper than two.
  constexpr std::size_t joined_max = 8192;
  std::string head;
  const auto joined = !ours.head && body.size() <= joined_max;
  std::string all_headers;
  if (!ours.more_headers.empty()) {
    all_headers.append(headers).append(ours.more_headers);
    headers = all_headers;
  }
  head.reserve(256 + headers.size() + (joined ? body.size() : 0));
  append_head(head, {status, content_type, headers, body.size(), ours.keep_alive, ours.old_client});
  if (joined || ours.head) {
    if (joined) head += body;
    body.clear();
  }
  run_on_loop(ours, [asked, head = std::move(head), body = std::move(body)]() mutable {
    send(exchange_of(*asked), std::move(head), std::move(body), true);
  });
}

void responder::add_headers(std::string_view lines) const {
  exchange_of(of(inside_.get())).more_headers += lines;
}

void responder::begin(int status, std::string_view content_type, std::string_view headers) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.answered.exchange(true)) return;
  // For HTTP/1.0 the end of the connection marks the end of the answer.
  if (ours.old_client) ours.keep_alive = false;
  run_on_loop(ours, [asked] { exchange_of(*asked).connection->streaming = true; });
  const auto all_headers = std::string{headers} + ours.more_headers;
  gather(asked, [&](std::string& to) {
    append_head(
        to, {status, content_type, all_headers, std::nullopt, ours.keep_alive, ours.old_client});
  });
  if (ours.head) end();
}

bool responder::write(std::string_view piece) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.gone.load(std::memory_order_relaxed)) return false;
  // An empty chunk would end the answer.
  if (piece.empty() || ours.head) return true;
  const auto most = ours.connection->home->options.stream_bytes;
  if (ours.unsent.load(std::memory_order_relaxed) > most) {
    ours.connection->home->totals->streams_cut.fetch_add(1, std::memory_order_relaxed);
    ours.gone.store(true, std::memory_order_relaxed);
    abort();
    return false;
  }
  gather(asked, [&](std::string& to) { append_chunk(to, piece, !ours.old_client); });
  return true;
}

std::size_t responder::unsent() const {
  return exchange_of(of(inside_.get())).unsent.load(std::memory_order_relaxed);
}

void responder::on_room(std::function<void()> room) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, room = std::move(room)]() mutable {
    exchange_of(*asked).room = std::move(room);
  });
}

void responder::limit_send_buffer(std::size_t bytes) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, bytes] {
    const auto& record = *exchange_of(*asked).connection;
    if (record.socket == nullptr) return;
    boost::system::error_code ignored;
    record.socket->set_option(net::socket_base::send_buffer_size{static_cast<int>(bytes)}, ignored);
  });
}

bool responder::crowded() const {
  const auto& ours = exchange_of(of(inside_.get()));
  return !ours.gone.load(std::memory_order_relaxed)
         && ours.unsent.load(std::memory_order_relaxed)
                > ours.connection->home->options.stream_bytes / 2;
}

void responder::end() const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  {
    const std::lock_guard lock{ours.guard};
    if (ours.ended) return;
    if (!ours.old_client && !ours.head) ours.outbox += "0\r\n\r\n";
    ours.ended = true;
    if (std::exchange(ours.flushing, true)) return;
  }
  run_on_loop(ours, [asked] { flush(asked); });
}

void responder::abort() const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked] { exchange_of(*asked).connection->cut(); });
}

void responder::on_close(std::function<void()> gone) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, gone = std::move(gone)]() mutable {
    auto& ours = exchange_of(*asked);
    auto& record = *ours.connection;
    auto told = [weak = std::weak_ptr{asked}, gone = std::move(gone)] {
      if (const auto still = weak.lock()) exchange_of(*still).gone.store(true);
      gone();
    };
    if (ours.sent) return;
    if (!record.socket) return net::post(record.home->io, std::move(told));
    record.at_close.push_back({ours.number, std::move(told)});
  });
}

bool responder::is_openai() const { return exchange_of(of(inside_.get())).openai; }

bool responder::closed() const {
  return exchange_of(of(inside_.get())).gone.load(std::memory_order_relaxed);
}

}  // namespace greenroom::machine::http
