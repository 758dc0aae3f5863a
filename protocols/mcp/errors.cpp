#include "protocols/mcp/errors.hpp"

#include "protocols/base/json_writer.hpp"
#include "protocols/base/utf8.hpp"

#include <utility>

namespace greenroom::protocols::mcp {
namespace {

failure plain(error_code code, int status, std::string message, std::string id) {
  failure result;
  result.code = code;
  result.status = status;
  result.message = std::move(message);
  result.id = std::move(id);
  return result;
}

/// A name from outside within a sentence: never longer than a line.
std::string quoted(std::string_view text) {
  constexpr std::size_t bytes_max = 200;
  const bool cut = text.size() > bytes_max;
  return "'" + base::mend_utf8(base::utf8_cut(text, bytes_max)) + (cut ? "…'" : "'");
}

}  // namespace

failure not_json(std::string message) {
  return plain(error_code::parse_error, 400, std::move(message), {});
}

failure invalid_request(std::string message, std::string id) {
  return plain(error_code::invalid_request, 400, std::move(message), std::move(id));
}

failure invalid_params(std::string message, std::string id) {
  return plain(error_code::invalid_params, 400, std::move(message), std::move(id));
}

failure header_mismatch(std::string message, std::string id) {
  return plain(error_code::header_mismatch, 400, "Header mismatch: " + message, std::move(id));
}

failure unsupported_version(std::string_view asked, std::string id) {
  auto result =
      plain(error_code::unsupported_version, 400, "Unsupported protocol version", std::move(id));
  result.data = base::json_object{
      {"supported", base::json_raw{supported_versions()}},
      {"requested",
       asked}}.text();
  return result;
}

failure missing_capabilities(std::string capabilities, std::string id) {
  auto result =
      plain(error_code::missing_capability, 400,
            "The request needs capabilities that the client has not declared", std::move(id));
  result.data = base::json_object{}.raw("requiredCapabilities", capabilities).text();
  return result;
}

failure method_not_found(std::string_view method, mcp_era era, std::string id) {
  return plain(error_code::method_not_found, era == mcp_era::modern ? 404 : 200,
               "Method not found: " + quoted(method), std::move(id));
}

failure unknown_name(std::string_view kind, std::string_view name, std::string id) {
  return plain(error_code::invalid_params, 200,
               "Unknown " + std::string{kind} + ": " + quoted(name), std::move(id));
}

failure resource_not_found(std::string_view uri, mcp_era era, std::string id) {
  auto result =
      plain(era == mcp_era::modern ? error_code::invalid_params : error_code::resource_not_found,
            200, "Resource not found", std::move(id));
  result.data = base::json_object{{"uri", uri}}.text();
  return result;
}

failure unknown_session(std::string id) {
  return plain(error_code::invalid_request, 404, "Session not found; send initialize again",
               std::move(id));
}

failure missing_session(std::string id) {
  return plain(error_code::invalid_request, 400, "Mcp-Session-Id is missing; send initialize first",
               std::move(id));
}

failure method_not_allowed(std::string_view allow) {
  auto result = plain(error_code::invalid_request, 405, "This HTTP method is not served here", {});
  result.allow = allow;
  return result;
}

std::string to_json(const failure& why) {
  base::json_object result{{"code", static_cast<std::int32_t>(why.code)}, {"message", why.message}};
  if (!why.data.empty()) result.raw("data", why.data);
  return std::move(result).text();
}

}  // namespace greenroom::protocols::mcp
