#include "runtime/machine/http/restinio_connection.hpp"

#include "runtime/machine/http/request.hpp"
#include "runtime/machine/http/responder.hpp"
#include "runtime/machine/http/response_head.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace greenroom::machine::http {

namespace {

/// The lane whose acceptor creates a connection at the moment, on this thread.
thread_local const std::shared_ptr<lane>* lane_being_served = nullptr;

}  // namespace

/// Found by argument-dependent lookup before RESTinio's own, which requires an Asio socket.
template <class Connection, class Start, class Failed>
void prepare_connection_and_start_read(guarded_socket& socket, Connection& made, Start start,
                                       Failed) {
  auto& home = *lane_being_served;
  auto record = std::make_shared<connection_record>(made.connection_id(), home);
  home->records.emplace(record->number, record);
  socket.attach(std::move(record));
  start();
}

restinio::tls_socket_t* make_tls_socket_pointer_for_state_listener(guarded_socket&) noexcept {
  return nullptr;
}

namespace {

/// RFC 9112, section 3.2: HTTP/1.1 requires the field once, HTTP/1.0 allows it at most once.
bool names_one_host(const restinio::http_request_header_t& header, bool old_client) {
  std::size_t hosts = 0;
  header.for_each_field([&](const auto& field) {
    if (field.field_id() == restinio::http_field::host) ++hosts;
  });
  return hosts == 1 || (hosts == 0 && old_client);
}

/// Passes RESTinio's request to the handler. Loop thread.
restinio::request_handling_status_t take(const std::shared_ptr<lane>& home,
                                         std::shared_ptr<incoming> asked) {
  auto& ours = exchange_of(*asked);
  const auto found = home->records.find(asked->connection_id());
  if (found == home->records.end()) return restinio::request_rejected();
  ours.connection = found->second;
  // A request gives no public access to its connection, and an answer that outlives the loop must
  // not hold the connection.
  ours.connection->link = std::move(restinio::impl::access_req_connection(*asked));
  ours.number = asked->request_id();
  auto& record = *ours.connection;
  record.request_complete();
  home->totals->requests.fetch_add(1, std::memory_order_relaxed);
  const auto& header = asked->header();
  ours.head = header.method() == restinio::http_method_head();
  ours.old_client = header.http_major() == 1 && header.http_minor() == 0;
  ours.keep_alive = header.should_keep_alive() && !home->closing && home->handle;
  ours.openai = is_openai_path(request{asked.get()}.path());
  request question{asked.get()};
  // The request holds no pointer to itself, so the last responder frees the request.
  const responder reply{std::shared_ptr<void>{asked, asked.get()}};
  const auto form = error_form_of(ours);
  const auto refuse = [&](int status, std::string_view type, std::string_view detail) {
    reply.answer(status, error_media_type(form), error_body(status, type, detail, form));
    return restinio::request_accepted();
  };
  if (header.http_major() != 1) {
    ours.keep_alive = false;
    return refuse(505, "malformed", "This server speaks HTTP/1.1.");
  }
  if (!names_one_host(header, ours.old_client)) {
    ours.keep_alive = false;
    home->totals->malformed.fetch_add(1, std::memory_order_relaxed);
    return refuse(400, "malformed", "An HTTP/1.1 request carries exactly one Host field.");
  }
  if (!home->handle)
    return refuse(503, "draining", "The node is shutting down and accepts no new tasks.");
  record.handling = true;
  try {
    home->handle(question, reply);
    record.handling = false;
  } catch (const std::exception&) {
    record.handling = false;
    // The message is not sent to the client, because it may hold internal details.
    return refuse(500, "internal", nobody_answered);
  }
  return restinio::request_accepted();
}

}  // namespace

std::shared_ptr<connection_settings> settings_for(const std::shared_ptr<lane>& home) {
  const auto& chosen = home->options;
  restinio::server_settings_t<connection_traits> settings;
  settings
      .request_handler(
          [home](std::shared_ptr<incoming> asked) { return take(home, std::move(asked)); })
      .buffer_size(8192)
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_url_size(chosen.url_bytes)
                                    .max_field_name_size(field_name_bytes)
                                    .max_field_value_size(chosen.header_bytes)
                                    .max_field_count(chosen.header_fields)
                                    .max_body_size(chosen.request_bytes))
      .read_next_http_message_timelimit(chosen.idle_timeout)
      .write_http_response_timelimit(chosen.write_timeout)
      // Tasks have their own timeouts.
      .handle_request_timeout(std::chrono::hours{24 * 365})
      // With a limit of one, RESTinio would notice a client's hang-up only after the answer.
      .max_pipelined_requests(std::max<std::size_t>(chosen.pipelined, 2))
      .logger();
  auto timers = restinio::asio_timer_manager_t::factory_t{}.create(home->io);
  // RESTinio gives no public access to its parser's callbacks.
  auto parsing = restinio::impl::create_parser_settings<connection_traits::http_methods_mapper_t>();
  // RESTinio does not store a request's version.
  parsing.on_headers_complete = [](http_parser* parser) {
    auto& header = static_cast<restinio::impl::http_parser_ctx_t*>(parser->data)->m_header;
    header.http_major(static_cast<std::uint16_t>(parser->http_major));
    header.http_minor(static_cast<std::uint16_t>(parser->http_minor));
    return restinio::impl::restinio_headers_complete_cb(parser);
  };
  return std::make_shared<connection_settings>(settings, parsing, std::move(timers));
}

void begin_connection(std::uint64_t number, plain_socket socket,
                      const std::shared_ptr<connection_settings>& settings,
                      const boost::asio::ip::tcp::endpoint& from,
                      const std::shared_ptr<lane>& home) {
  using connection = restinio::impl::connection_t<connection_traits>;
  lane_being_served = &home;
  try {
    std::make_shared<connection>(
        number, guarded_socket{std::move(socket)}, settings, from,
        connection::lifetime_monitor_t{
            static_cast<restinio::connection_count_limits::noop_connection_count_limiter_t*>(
                nullptr)})
        ->init();
  } catch (const std::exception&) {
    // RESTinio has closed its part of the connection.
  }
  lane_being_served = nullptr;
}

}  // namespace greenroom::machine::http
