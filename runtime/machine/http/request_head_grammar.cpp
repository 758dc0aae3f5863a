// The head of a request: its first line and its header fields.
#include <algorithm>
#include <charconv>

#include "runtime/machine/http/grammar_characters.hpp"
#include "runtime/machine/http/request_grammar.hpp"

namespace greenroom::machine::http {

namespace {

using fault = request_grammar::fault;

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t"), text.size());
  const auto last = text.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last - first + 1);
}

}  // namespace

fault request_grammar::head_byte(unsigned char c) {
  if (++head_bytes_ > head_bytes_max) exceed(431);
  switch (at_) {
    case part::start: return start_byte(c);
    case part::start_lf: return line_feed(c, part::start);
    case part::method: return method_byte(c);
    case part::target: return target_byte(c);
    case part::version: return version_byte(c);
    case part::line_lf:
    case part::field_lf: return line_feed(c, part::field_start);
    case part::field_start: return field_start_byte(c);
    case part::name: return name_byte(c);
    case part::value: return value_byte(c);
    case part::head_end_lf: return c == '\n' ? end_of_head() : bad(lone_return);
    default: return {};
  }
}

fault request_grammar::start_byte(unsigned char c) {
  // Empty lines before a request are tolerated for old clients (RFC 9112, section 2.2).
  if (c == '\r') {
    constexpr int forgiven = 8;
    if (++empty_lines_ > forgiven) return bad("Only empty lines come where a request should.");
    at_ = part::start_lf;
    return {};
  }
  if (c == '\n') return bad(lone_feed);
  empty_lines_ = 0;
  begin_head();
  return head_byte(c);
}

fault request_grammar::method_byte(unsigned char c) {
  const auto letter = static_cast<char>(c);
  if (c == ' ' && method_size_ > 0) {
    const std::string_view name{method_.data(), std::min(method_size_, method_.size())};
    options_ = method_size_ == 7 && name == "OPTIONS";
    connects_ = method_size_ == 7 && name == "CONNECT";
    at_ = part::target;
    return {};
  }
  if (!known.token[c]) return bad("This is not HTTP/1.1.");
  if (method_size_ < method_.size()) method_[method_size_] = letter;
  ++method_size_;
  return {};
}

fault request_grammar::target_byte(unsigned char c) {
  const auto letter = static_cast<char>(c);
  if (c == ' ') {
    if (target_size_ == 0) return bad("There are two blanks before the address.");
    at_ = part::version;
    return look_at_target();
  }
  if (c < 0x21 || c == 0x7f)
    return bad("The address has a control character or no version follows it.");
  if (target_size_ < target_.size()) target_[target_size_++] = letter;
  if (++target_bytes_ > limits_.target_bytes) exceed(414);
  return {};
}

fault request_grammar::version_byte(unsigned char c) {
  const auto letter = static_cast<char>(c);
  if (c == '\r') {
    const std::string_view version{version_.data(), version_size_};
    old_ = version == "HTTP/1.0";
    at_ = part::line_lf;
    return {};
  }
  if (c == '\n') return bad(lone_feed);
  if (version_size_ == version_.size() || c <= ' ' || c >= 0x7f)
    return bad("What follows the address is no version of HTTP.");
  version_[version_size_++] = letter;
  return {};
}

fault request_grammar::field_start_byte(unsigned char c) {
  if (c == '\r') {
    at_ = part::head_end_lf;
    return {};
  }
  if (c == '\n') return bad(lone_feed);
  if (c == ' ' || c == '\t')
    return bad("A field goes on in another line (obs-fold), or a blank stands before its name.");
  kept_size_ = 0;
  kept_all_ = true;
  if (++fields_ > limits_.fields) exceed(431);
  at_ = part::name;
  return name_byte(c);
}

fault request_grammar::name_byte(unsigned char c) {
  const auto letter = static_cast<char>(c);
  if (c == ':') {
    const auto name = noted();
    if (name.empty()) return bad("A field has no name.");
    which_ = !kept_all_                                  ? field::other
             : equal_caseless(name, "content-length")    ? field::content_length
             : equal_caseless(name, "transfer-encoding") ? field::transfer_encoding
             : equal_caseless(name, "expect")            ? field::expect
                                                         : field::other;
    kept_size_ = value_bytes_ = 0;
    kept_all_ = true;
    at_ = part::value;
    return {};
  }
  if (c == ' ' || c == '\t') return bad("A blank stands between a field's name and its colon.");
  if (!known.token[c]) return bad("A field's name has a character that no name has.");
  note(letter);
  if (kept_size_ > limits_.name_bytes) exceed(431);
  return {};
}

fault request_grammar::value_byte(unsigned char c) {
  if (c == '\r') {
    at_ = part::field_lf;
    return end_of_field();
  }
  if (c == '\n') return bad(lone_feed);
  if (!known.value[c]) return bad("A field's value has a control character.");
  if (which_ != field::other) note(static_cast<char>(c));
  return {};
}

fault request_grammar::look_at_target() const {
  const std::string_view target{target_.data(), target_size_};
  if (target.starts_with('/') || connects_) return {};
  if (target == "*") return options_ ? fault{} : bad("Only OPTIONS asks for *.");
  const auto end = target.find("://");
  const auto scheme = end == std::string_view::npos ? std::string_view{} : target.substr(0, end);
  if (equal_caseless(scheme, "http") || equal_caseless(scheme, "https")) return {};
  return bad("The address begins neither with a slash nor with http://.");
}

fault request_grammar::end_of_field() {
  const auto value = trimmed(noted());
  switch (which_) {
    case field::content_length: {
      if (has_length_) return bad("There is more than one Content-Length.");
      has_length_ = true;
      const auto* const end = value.data() + value.size();
      const bool digits = !value.empty() && kept_all_
                          && value.find_first_not_of("0123456789") == std::string_view::npos;
      const auto read = std::from_chars(value.data(), end, length_);
      if (!digits || read.ec != std::errc{} || read.ptr != end)
        return bad("The Content-Length is not a number.");
      break;
    }
    case field::transfer_encoding:
      if (has_coding_) return bad("There is more than one Transfer-Encoding.");
      has_coding_ = true;
      if (!kept_all_ || value.empty()) return bad("The Transfer-Encoding is empty or too long.");
      if (equal_caseless(value, "chunked")) {
        is_chunked_ = true;
        break;
      }
      // If the last coding is not chunked, the body's end is unknown (RFC 9112, 6.3).
      if (equal_caseless(trimmed(value.substr(value.find_last_of(',') + 1)), "chunked")
          && value.find("hunked") == value.rfind("hunked"))
        return {501, "Of the transfer codings only chunked is read here, and nothing before it."};
      return {value.find("hunked") == std::string_view::npos ? 501 : 400,
              "The only Transfer-Encoding that is read here is chunked."};
    case field::expect:
      if (old_) break;
      if (!equal_caseless(value, "100-continue"))
        return {417, "The only expectation that is met here is 100-continue."};
      expects_ = true;
      break;
    case field::other: break;
  }
  return {};
}

fault request_grammar::end_of_head() {
  ++heads_;
  head_just_ended_ = true;
  if (has_coding_ && has_length_)
    return bad("A request has either a Content-Length or a Transfer-Encoding, not both.");
  if (has_coding_ && old_) return bad("HTTP/1.0 has no Transfer-Encoding.");
  if (is_chunked_) {
    size_digits_ = line_bytes_ = trailer_bytes_ = 0;
    left_ = 0;
    at_ = part::size;
  } else {
    left_ = length_;
    if (length_ > limits_.body_bytes) exceed(413);
    at_ = left_ > 0 ? part::body : part::start;
  }
  return {};
}

}  // namespace greenroom::machine::http
