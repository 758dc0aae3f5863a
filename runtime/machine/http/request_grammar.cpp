#include "runtime/machine/http/request_grammar.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace greenroom::machine::http {

namespace {

/// The characters of a token (RFC 9110, section 5.6.2) and of a field value (section 5.5).
struct letters {
  std::array<bool, 256> token{}, value{};
  constexpr letters() {
    for (unsigned c = 0; c < 256; ++c) {
      const bool is_digit = c >= '0' && c <= '9';
      const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool mark = c < 128
                        && std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c))
                               != std::string_view::npos;
      token[c] = is_digit || is_letter || mark;
      value[c] = c == '\t' || (c >= ' ' && c != 0x7f);
    }
  }
};
constexpr letters known;

constexpr std::size_t head_bytes_max = 80 * 1024;  // HTTP_MAX_HEADER_SIZE of http_parser.

using fault = request_grammar::fault;
constexpr fault bad(std::string_view detail) { return {400, detail}; }

constexpr std::string_view lone_return = "A CR stands without its LF.";
constexpr std::string_view lone_feed =
    "A line ends with LF alone; each line of a head ends with CR LF.";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t"), text.size());
  const auto last = text.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last - first + 1);
}

}  // namespace

bool equal_caseless(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

void request_grammar::begin_head() {
  at_ = part::method;
  method_size_ = target_size_ = version_size_ = 0;
  old_ = options_ = connects_ = false;
  has_length_ = has_coding_ = is_chunked_ = expects_ = false;
  length_ = left_ = body_bytes_ = 0;
  head_bytes_ = target_bytes_ = value_bytes_ = fields_ = 0;
}

void request_grammar::note(char c) {
  if (kept_size_ < kept_.size())
    kept_[kept_size_++] = c;
  else
    kept_all_ = false;
}

bool request_grammar::asks_openai() const {
  std::string_view target{target_.data(), target_size_};
  if (const auto scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos)
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
  return is_openai_path(target);
}

bool is_openai_path(std::string_view target) {
  constexpr std::string_view before = "/v1/";
  if (!target.starts_with(before)) return false;
  target.remove_prefix(before.size());
  const auto word = target.substr(0, target.find_first_of("/?#"));
  constexpr std::array<std::string_view, 18> words{
      "chat",    "completions", "models", "embeddings",    "responses", "images",
      "audio",   "moderations", "files",  "batches",       "uploads",   "assistants",
      "threads", "fine_tuning", "rerank", "vector_stores", "engines",   "realtime"};
  return std::ranges::find(words, word) != words.end();
}

bool request_grammar::wants_leave(std::uint64_t bytes_max) const {
  return head_just_ended_ && expects_ && !old_
         && (is_chunked_ || (length_ > 0 && length_ <= bytes_max));
}

/// Skips bytes of a body without a check of each byte.
std::size_t request_grammar::skim(std::string_view bytes) {
  if (at_ != part::body && at_ != part::chunk) return 0;
  const auto count = std::min<std::uint64_t>(left_, bytes.size());
  left_ -= count;
  if (left_ == 0) at_ = at_ == part::body ? part::start : part::chunk_cr;
  return static_cast<std::size_t>(count);
}

fault request_grammar::read(std::string_view bytes) {
  if (found_.status != 0) return found_;
  std::size_t at = 0;
  while (at < bytes.size()) {
    head_just_ended_ = false;
    if (const auto skipped = skim(bytes.substr(at)); skipped > 0) {
      at += skipped;
      continue;
    }
    const auto c = static_cast<unsigned char>(bytes[at]);
    // Fast path: most bytes of a head belong to values.
    if (at_ == part::value && which_ == field::other) {
      const auto begin = at;
      while (at < bytes.size() && known.value[static_cast<unsigned char>(bytes[at])]) ++at;
      head_bytes_ += at - begin;
      value_bytes_ += at - begin;
      if (value_bytes_ > limits_.value_bytes || head_bytes_ > head_bytes_max) exceed(431);
      if (at == bytes.size()) break;
      found_ = head_byte(static_cast<unsigned char>(bytes[at]));
    } else {
      found_ = at_ <= part::head_end_lf ? head_byte(c) : body_byte(c);
    }
    if (found_.status != 0) return found_;
    ++at;
  }
  return {};
}

fault request_grammar::head_byte(unsigned char c) {
  if (++head_bytes_ > head_bytes_max) exceed(431);
  const auto letter = static_cast<char>(c);
  switch (at_) {
    case part::start:
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
    case part::start_lf:
      if (c != '\n') return bad(lone_return);
      at_ = part::start;
      return {};
    case part::method:
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
    case part::target:
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
    case part::version:
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
    case part::line_lf:
    case part::field_lf:
      if (c != '\n') return bad(lone_return);
      at_ = part::field_start;
      return {};
    case part::field_start:
      if (c == '\r') {
        at_ = part::head_end_lf;
        return {};
      }
      if (c == '\n') return bad(lone_feed);
      if (c == ' ' || c == '\t')
        return bad(
            "A field goes on in another line (obs-fold), or a blank stands before its name.");
      kept_size_ = 0;
      kept_all_ = true;
      if (++fields_ > limits_.fields) exceed(431);
      at_ = part::name;
      [[fallthrough]];
    case part::name:
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
    case part::value:
      if (c == '\r') {
        at_ = part::field_lf;
        return end_of_field();
      }
      if (c == '\n') return bad(lone_feed);
      if (!known.value[c]) return bad("A field's value has a control character.");
      if (which_ != field::other) note(letter);
      return {};
    case part::head_end_lf:
      if (c != '\n') return bad(lone_return);
      return end_of_head();
    default: return {};
  }
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

fault request_grammar::body_byte(unsigned char c) {
  constexpr std::size_t line_max = 4096, trailers_max = 16384;
  switch (at_) {
    case part::size:
      if (std::isxdigit(c) != 0) {
        constexpr std::size_t digits_max = 15;
        if (++size_digits_ > digits_max) return bad("A chunk's size has too many digits.");
        const auto digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return {};
      }
      if (size_digits_ == 0) return bad("A chunk has no size.");
      line_bytes_ = 0;
      if (c == '\r') {
        at_ = part::size_lf;
        return {};
      }
      if (c != ';' && c != ' ' && c != '\t') return bad("A chunk's size is not a number.");
      at_ = part::extension;
      return {};
    case part::extension:
      if (c == '\r') {
        at_ = part::size_lf;
        return {};
      }
      if (!known.value[c]) return bad("A chunk's extension has a control character.");
      if (++line_bytes_ > line_max) return bad("A chunk's extension is too long.");
      return {};
    case part::size_lf:
      if (c != '\n') return bad(lone_return);
      body_bytes_ += left_;
      if (body_bytes_ > limits_.body_bytes) exceed(413);
      at_ = left_ > 0 ? part::chunk : part::trailer_start;
      return {};
    case part::chunk_cr:
      if (c != '\r') return bad("A chunk is longer than its size says.");
      at_ = part::chunk_lf;
      return {};
    case part::chunk_lf:
      if (c != '\n') return bad(lone_return);
      size_digits_ = 0;
      left_ = 0;
      at_ = part::size;
      return {};
    case part::trailer_start:
      if (c == '\r') {
        at_ = part::end_lf;
        return {};
      }
      if (!known.token[c]) return bad("A trailer field's name has a character that no name has.");
      trailer_named_ = false;
      if (++fields_ > limits_.fields) exceed(431);
      at_ = part::trailer;
      [[fallthrough]];
    case part::trailer:
      if (++trailer_bytes_ > trailers_max) return {431, "The trailer fields are too large."};
      if (c == '\r' && trailer_named_) {
        at_ = part::trailer_lf;
        return {};
      }
      if (c == ':') trailer_named_ = true;
      if (trailer_named_ ? !known.value[c] : !known.token[c])
        return bad("A trailer field has a character that none has.");
      return {};
    case part::trailer_lf:
      if (c != '\n') return bad(lone_return);
      at_ = part::trailer_start;
      return {};
    case part::end_lf:
      if (c != '\n') return bad(lone_return);
      at_ = part::start;
      return {};
    default: return {};
  }
}

}  // namespace greenroom::machine::http
