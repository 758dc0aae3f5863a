#include "runtime/machine/http/exchange.hpp"

#include "runtime/machine/http/response_head.hpp"

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
  // Hold the connection: RESTinio may close it while it takes the bytes. The builders of RESTinio's
  // public `create_response` write a head of their own, and hold the connection until they are
  // destroyed, also after the loop's end; so the answer goes to the connection itself.
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

}  // namespace greenroom::machine::http
