#include "actors/doors/host_origin_check.hpp"

#include "actors/doors/answers.hpp"
#include "protocols/http_chat.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::doors {

namespace {

using verdict = runtime::access::entry;

/// The value of a header for an error message: short, and only printable letters.
std::string quoted_header(std::string_view text) {
  constexpr std::size_t shown = 100;
  std::string result{'"'};
  for (const char c : text.substr(0, shown)) result += c >= ' ' && c < 0x7f && c != '"' ? c : '?';
  return result + (text.size() > shown ? "…\"" : "\"");
}

/// Errors of these paths have OpenAI's form.
bool is_openai_path(std::string_view path) {
  return path == "/v1/chat/completions" || path == "/v1/models" || path.starts_with("/v1/models/");
}

void reject(const route_call& call, int status, const char* name, const char* title,
            const std::string& detail) {
  if (is_openai_path(call.request.path())) {
    protocols::chat_error error{status, detail, {}, name};
    std::replace(error.code.begin(), error.code.end(), '-', '_');
    return answer_json(call.reply, status, protocols::to_json(error));
  }
  answer_problem(call.reply, protocols::problem_named(name, status, title, detail));
}

void reject(const route_call& call, verdict why, const machine::http::request::provenance& from) {
  switch (why) {
    case verdict::welcome:
    case verdict::welcome_page: break;
    case verdict::bad_host:
      return reject(call, 400, "malformed", "Bad Request",
                    "The Host " + quoted_header(from.host.value_or(""))
                        + " is not HOST or HOST:PORT (RFC 9110, section 7.2).");
    case verdict::foreign_host:
      return reject(call, 403, "host-not-allowed", "Forbidden",
                       "The Host " + quoted_header(from.host.value_or(""))
                           + " is not allowed. Use localhost or the node's address, or add the name "
                             "to access.hosts.");
    case verdict::repeated_fields:
      return reject(call, 400, "malformed", "Bad Request",
                    "Origin, Sec-Fetch-Site and Content-Type may be sent once each.");
    case verdict::foreign_origin:
      return reject(call, 403, "origin-not-allowed", "Forbidden",
                    "Pages of " + quoted_header(from.origin.value_or(""))
                        + " may not call this node; add the origin to access.origins.");
    case verdict::foreign_site:
      return reject(call, 403, "origin-not-allowed", "Forbidden",
                       "Pages of other sites may not call this node (Sec-Fetch-Site: "
                           + std::string{from.fetch_site.value_or("").substr(0, 20)}
                           + "); add the origin to access.origins, and call fetch with mode: "
                             "\"cors\", so that the page sends its origin.");
    case verdict::body_not_json:
      return reject(call, 403, "content-type-not-allowed", "Forbidden",
                    "A browser must send the body as application/json, not "
                        + quoted_header(from.content_type.value_or("")) + ".");
  }
}

/// A list of header names as browsers send it; nothing else may be copied into the answer.
bool is_list_of_names(std::string_view text) {
  constexpr std::size_t longest = 1024;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                  || c == '-' || c == '_' || c == ',' || c == ' ';
         });
}

/// The Fetch standard, section 3.3: what a page of another origin may send.
bool answer_preflight(const route_call& call) {
  if (call.request.verb() != machine::http::method::options
      || !call.request.header("Access-Control-Request-Method"))
    return false;
  std::string headers =
      "Access-Control-Allow-Methods: GET, POST, PUT, DELETE\r\n"
      "Access-Control-Max-Age: 600\r\n";
  if (const auto wanted = call.request.header("Access-Control-Request-Headers");
      wanted && is_list_of_names(*wanted))
    headers += "Access-Control-Allow-Headers: " + std::string{*wanted} + "\r\n";
  // A page from the Internet that may ask a node in the local network.
  if (call.request.header("Access-Control-Request-Private-Network"))
    headers += "Access-Control-Allow-Private-Network: true\r\n";
  call.reply.answer(204, {}, {}, headers);
  return true;
}

}  // namespace

std::shared_ptr<const runtime::access::request_origin> host_origin_check::rules(
    const config::access& settings) {
  const std::lock_guard lock{mutex_};
  if (!rules_ || settings != settings_) {
    settings_ = settings;
    rules_ =
        std::make_shared<const runtime::access::request_origin>(settings.hosts, settings.origins);
  }
  return rules_;
}

bool host_origin_check::admit(const config::access& settings, const route_call& call) {
  // A liveness probe tells no secret, and the prober may not know the host name.
  const auto path = call.request.path();
  if (path == "/health/live" || path == "/health/live/") return true;
  const auto from = call.request.from();
  runtime::access::request_facts asked;
  asked.host = from.host;
  asked.origin = from.origin;
  asked.fetch_site = from.fetch_site;
  asked.content_type = from.content_type;
  asked.repeated = from.repeated;
  using machine::http::method;
  const auto verb = call.request.verb();
  asked.changes = verb != method::get && verb != method::head && verb != method::options;
  asked.has_body = !call.request.body().empty();
  runtime::access::door_facts door_is;
  door_is.address = address_;
  door_is.port = port_.load(std::memory_order_relaxed);
  door_is.is_own = [this](const base::ip_address& address) { return own_.contain(address.bytes); };
  const auto judged = rules(settings)->judge(asked, door_is);
  if (judged == verdict::welcome) return true;
  if (judged != verdict::welcome_page) {
    reject(call, judged, from);
    return false;
  }
  call.reply.add_headers(
      "Access-Control-Allow-Origin: " + std::string{from.origin.value_or("")}
      + "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: Location, Retry-After, Server-Timing, "
        "X-Greenroom-Cold-Start, Allow\r\n");
  return !answer_preflight(call);
}

}  // namespace greenroom::doors
