#include "runtime/machine/http/request_grammar.hpp"

#include <algorithm>
#include <cctype>

#include "runtime/machine/http/grammar_characters.hpp"

namespace greenroom::machine::http {

namespace {

using fault = request_grammar::fault;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

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

fault request_grammar::line_feed(unsigned char c, part next) {
  if (c != '\n') return bad(lone_return);
  at_ = next;
  return {};
}

fault request_grammar::body_byte(unsigned char c) {
  switch (at_) {
    case part::size: return chunk_size_byte(c);
    case part::extension: return chunk_extension_byte(c);
    case part::size_lf: return end_of_chunk_size(c);
    case part::chunk_cr:
      if (c != '\r') return bad("A chunk is longer than its size says.");
      at_ = part::chunk_lf;
      return {};
    case part::chunk_lf:
      size_digits_ = 0;
      left_ = 0;
      return line_feed(c, part::size);
    case part::trailer_start: return trailer_start_byte(c);
    case part::trailer: return trailer_byte(c);
    case part::trailer_lf: return line_feed(c, part::trailer_start);
    case part::end_lf: return line_feed(c, part::start);
    default: return {};
  }
}

fault request_grammar::chunk_size_byte(unsigned char c) {
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
}

fault request_grammar::chunk_extension_byte(unsigned char c) {
  constexpr std::size_t line_max = 4096;
  if (c == '\r') {
    at_ = part::size_lf;
    return {};
  }
  if (!known.value[c]) return bad("A chunk's extension has a control character.");
  if (++line_bytes_ > line_max) return bad("A chunk's extension is too long.");
  return {};
}

fault request_grammar::end_of_chunk_size(unsigned char c) {
  if (c != '\n') return bad(lone_return);
  body_bytes_ += left_;
  if (body_bytes_ > limits_.body_bytes) exceed(413);
  at_ = left_ > 0 ? part::chunk : part::trailer_start;
  return {};
}

fault request_grammar::trailer_start_byte(unsigned char c) {
  if (c == '\r') {
    at_ = part::end_lf;
    return {};
  }
  if (!known.token[c]) return bad("A trailer field's name has a character that no name has.");
  trailer_named_ = false;
  if (++fields_ > limits_.fields) exceed(431);
  at_ = part::trailer;
  return trailer_byte(c);
}

fault request_grammar::trailer_byte(unsigned char c) {
  constexpr std::size_t trailers_max = 16384;
  if (++trailer_bytes_ > trailers_max) return {431, "The trailer fields are too large."};
  if (c == '\r' && trailer_named_) {
    at_ = part::trailer_lf;
    return {};
  }
  if (c == ':') trailer_named_ = true;
  if (trailer_named_ ? !known.value[c] : !known.token[c])
    return bad("A trailer field has a character that none has.");
  return {};
}

}  // namespace greenroom::machine::http
