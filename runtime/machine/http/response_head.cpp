#include "runtime/machine/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <ctime>

namespace greenroom::machine::http {

namespace {

std::atomic<std::int64_t> now_seconds{0};

/// "Sun, 06 Nov 1994 08:49:37 GMT", formatted by each thread only when the second has changed.
std::string_view date() {
  thread_local std::int64_t written = -1;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t length = 0;
  const auto now = now_seconds.load(std::memory_order_relaxed);
  if (now != written) {
    const auto seconds = static_cast<std::time_t>(now);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    written = now;
  }
  return {text.data(), length};
}

void append_number(std::string& to, std::size_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  to.append(digits.data(), end);
}

}  // namespace

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

void set_date(std::int64_t unix_seconds) {
  now_seconds.store(unix_seconds, std::memory_order_relaxed);
}

void append_head(std::string& to, const head_options& what) {
  // The server's highest version, also towards an HTTP/1.0 client.
  if (what.status == 200) {
    to += "HTTP/1.1 200 OK\r\n";
  } else {
    to += "HTTP/1.1 ";
    append_number(to, static_cast<std::size_t>(what.status));
    to += ' ';
    to += reason_of(what.status);
    to += "\r\n";
  }
  if (!what.content_type.empty()) {
    to += "Content-Type: ";
    to += what.content_type;
    to += "\r\n";
  }
  if (what.length) {
    // A 204 has no content and must not have a length (RFC 9110, section 8.6).
    if (what.status != 204) {
      to += "Content-Length: ";
      append_number(to, *what.length);
      to += "\r\n";
    }
  } else if (!what.old_client) {
    to += "Transfer-Encoding: chunked\r\n";
  }
  to += "Date: ";
  to += date();
  to += "\r\n";
  if (!what.keep_alive) {
    to += "Connection: close\r\n";
  } else if (what.old_client) {
    to += "Connection: keep-alive\r\n";
  }
  to += what.headers;
  to += "\r\n";
}

std::string error_body(int status, std::string_view type, std::string_view detail,
                       error_form form) {
  std::string body = "{";
  if (form != error_form::openai) {
    body += R"("type":"urn:greenroom:)";
    body += type;
    body += R"(","title":")";
    body += reason_of(status);
    body += R"(","status":)";
    append_number(body, static_cast<std::size_t>(status));
    body += R"(,"detail":")";
    body += detail;
    body += '"';
  }
  if (form == error_form::both) body += ',';
  if (form != error_form::problem) {
    std::string code{type};
    std::replace(code.begin(), code.end(), '-', '_');
    body += R"("error":{"message":")";
    body += detail;
    body += R"(","type":")";
    body += status >= 500 ? "server_error" : "invalid_request_error";
    body += R"(","param":null,"code":")" + code + "\"}";
  }
  return body + '}';
}

std::string_view error_media_type(error_form form) {
  return form == error_form::openai ? "application/json" : "application/problem+json";
}

std::string last_words(int status, std::string_view type, std::string_view detail,
                       error_form form) {
  const auto body = error_body(status, type, detail, form);
  std::string all;
  append_head(all, {status, error_media_type(form), {}, body.size(), false, false});
  return all + body;
}

}  // namespace greenroom::machine::http
