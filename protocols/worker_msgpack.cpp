#include "protocols/worker_msgpack.hpp"

#include "protocols/msgpack_json.hpp"
#include "protocols/msgpack_message.hpp"
#include "protocols/worker_line.hpp"

#include <algorithm>
#include <vector>

namespace greenroom::protocols {
namespace {

class msgpack_codec final : public worker_codec {
public:
  explicit msgpack_codec(std::size_t frame_bytes_max)
      : max_{std::min(frame_bytes_max, msgpack_frame_bytes_max)}, reader_{frame_bytes_max} {}

  base::expected<void> add_task(std::string& out, std::string_view name, std::string_view input,
                                std::int64_t timeout_ms) override {
    const auto begin = out.size();
    out.reserve(begin + input.size() + name.size() + 64);
    out.append(4, '\0');
    string_sink sink{out};
    packer pack{sink};
    pack.pack_map(4);
    pack_text(pack, "type");
    pack_text(pack, "task");
    pack_text(pack, "id");
    pack_text(pack, name);
    pack_text(pack, "input");
    if (const auto packed = append_msgpack(out, input); !packed) {
      out.resize(begin);
      return packed.error();
    }
    pack_text(pack, "timeout_ms");
    pack.pack_int64(timeout_ms);
    if (out.size() - begin - 4 > msgpack_frame_bytes_max) {
      out.resize(begin);
      return base::problem{"input", "the input is larger than a frame of 16 MiB"};
    }
    set_length(out, begin);
    return {};
  }

  bool add_ping(std::string& out) override {
    const auto begin = out.size();
    out.append(4, '\0');
    string_sink sink{out};
    packer pack{sink};
    pack.pack_map(1);
    pack_text(pack, "type");
    pack_text(pack, "ping");
    set_length(out, begin);
    return true;
  }

  void feed(std::string_view bytes, worker_listener& listener) override {
    while (!broken_ && !bytes.empty()) {
      // No frame's length begins with such a byte: the worker printed text.
      if (pending_.empty() && skipping_ == 0 && is_text(bytes.front())) in_text_ = true;
      if (in_text_) {
        skip_text(bytes, listener);
      } else if (skipping_ > 0) {
        skip_frame(bytes, listener);
      } else if (pending_.empty() && bytes.size() >= 4) {
        const auto length = length_of(bytes);
        if (!plausible(length, bytes, listener)) continue;
        if (bytes.size() - 4 < length) {
          pending_.append(bytes);
          return;
        }
        understand(bytes.substr(4, length), listener);
        bytes.remove_prefix(4 + length);
      } else {
        // Append only the bytes that complete the frame; the rest is parsed in place.
        if (pending_.size() < 4 && !fill(4, bytes)) return;
        const auto length = length_of(pending_);
        std::string_view head{pending_};
        if (!plausible(length, head, listener)) {
          pending_.clear();
          continue;
        }
        if (!fill(4 + length, bytes)) return;
        understand(std::string_view{pending_}.substr(4), listener);
        forget_pending();
      }
    }
  }

  void finish(worker_listener& listener) override {
    if (in_text_) end_text(listener);
  }

private:
  static std::size_t length_of(std::string_view bytes) {
    std::size_t result = 0;
    for (std::size_t i = 0; i < 4; ++i)
      result = result << 8 | static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
    return result;
  }
  static void set_length(std::string& out, std::size_t begin) {
    const auto length = out.size() - begin - 4;
    for (std::size_t i = 0; i < 4; ++i)
      out[begin + i] = static_cast<char>(static_cast<unsigned char>(length >> (24 - 8 * i)));
  }
  /// Moves bytes until `wanted` are pending. False when there were too few.
  bool fill(std::size_t wanted, std::string_view& bytes) {
    const auto count = std::min(wanted - pending_.size(), bytes.size());
    pending_.append(bytes.data(), count);
    bytes.remove_prefix(count);
    return pending_.size() == wanted;
  }
  void forget_pending() {
    pending_.clear();
    if (pending_.capacity() > std::size_t{64} << 10) pending_.shrink_to_fit();
  }

  /// False: the next bytes are no readable frame; removes their head from `bytes`.
  bool plausible(std::size_t length, std::string_view& bytes, worker_listener& listener) {
    if (length > 0 && length <= max_) return true;
    const auto head = bytes.substr(0, 4);
    if (length == 0) {
      tell_stray(listener, head);
    } else if (length > frame_bytes_believed) {
      broken_ = true;
      const auto why = "a frame of " + std::to_string(length) + " bytes, which begins with "
                       + hex_bytes(head) + "; is something else written to its standard output?";
      tell(listener, worker_word::nonsense, {}, why, length);
    } else {
      skipping_ = skipped_ = length;
      kept_.clear();
    }
    bytes.remove_prefix(head.size());
    return false;
  }

  static bool is_text(char letter) {
    return static_cast<unsigned char>(letter) >= 0x20
               ? static_cast<unsigned char>(letter) < 0x7f
               : letter == '\t' || letter == '\r' || letter == '\n' || letter == '\x1b';
  }

  /// Skips up to a line end, or to a byte that cannot be text and may begin a length.
  void skip_text(std::string_view& bytes, worker_listener& listener) {
    const auto end = std::find_if(bytes.begin(), bytes.end(), [](char letter) {
      return letter == '\n' || (static_cast<unsigned char>(letter) < 0x80 && !is_text(letter));
    });
    auto length = static_cast<std::size_t>(end - bytes.begin());
    const bool over = end != bytes.end();
    if (over && *end == '\n') ++length;
    text_bytes_ += length;
    keep(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (over) return end_text(listener);
    if (text_bytes_ <= frame_bytes_believed) return;
    broken_ = true;
    tell(listener, worker_word::nonsense, {}, "text without end in place of frames", text_bytes_);
  }

  void skip_frame(std::string_view& bytes, worker_listener& listener) {
    const auto length = std::min(bytes.size(), skipping_);
    skipping_ -= length;
    keep(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (skipping_ > 0) return;
    reader_.reset();
    std::size_t used = 0;
    // The frame is truncated, so the parse fails; the members before the cut are known.
    static_cast<void>(msgpack::parse(kept_.data(), kept_.size(), used, reader_));
    const bool answer = reader_.type == "result" || reader_.type == "error"
                        || reader_.type == "chunk" || (reader_.type.empty() && reader_.is_map);
    if (answer)
      tell(listener, worker_word::too_long, reader_.id, {}, skipped_);
    else
      tell_stray(listener, kept_, skipped_);
    kept_.clear();
  }

  /// Keeps only the beginning of skipped bytes.
  void keep(std::string_view piece) {
    constexpr std::size_t kept_max = 4096;
    kept_.append(piece.substr(0, kept_max - std::min(kept_.size(), kept_max)));
  }

  void end_text(worker_listener& listener) {
    in_text_ = false;
    const auto text = without_ornament(kept_).substr(0, stray_bytes_told);
    if (!text.empty()) tell(listener, worker_word::stray, {}, text, text_bytes_);
    kept_.clear();
    text_bytes_ = 0;
  }

  void understand(std::string_view frame, worker_listener& listener) {
    reader_.reset();
    std::size_t used = 0;
    worker_message said;
    said.bytes = frame.size() + 4;
    if (!msgpack::parse(frame.data(), frame.size(), used, reader_) || used != frame.size()) {
      if (reader_.type != "result" && reader_.type != "error") return tell_stray(listener, frame);
      const char* why = reader_.why ? reader_.why : reader_.value.why;
      const auto text =
          (why ? why : "a frame that is not one MessagePack map") + (": " + hex_bytes(frame));
      return tell(listener, worker_word::broken, reader_.id, text, frame.size());
    }
    said.id = reader_.id;
    said.text = reader_.text;
    said.retryable = reader_.retryable;
    std::string room;
    if (reader_.type == "result" && reader_.too_long) {
      said.word = worker_word::error;
      said.retryable = false;
      room = "the output is " + std::to_string(frame.size())
             + " bytes over the wire and more as JSON than allowed: shorten the output or raise "
               "limits.output_bytes";
      said.text = room;
    } else if (reader_.type == "result") {
      said.word = worker_word::result;
      said.text = reader_.has_output ? std::string_view{reader_.output} : "null";
    } else if (reader_.type == "error") {
      said.word = worker_word::error;
    } else if (reader_.type == "chunk") {
      said.word = worker_word::chunk;
    } else if (reader_.type == "ready") {
      said.word = worker_word::ready;
    } else if (reader_.type == "pong") {
      said.word = worker_word::pong;
    } else {
      return tell_stray(listener, frame);
    }
    listener.on_message(said);
    // Free the buffers now: the next message may be far away.
    reader_.reset();
  }

  /// A longer frame is not skipped: the four bytes cannot have been a length.
  static constexpr std::size_t frame_bytes_believed = std::size_t{256} << 20;

  std::size_t max_;
  bool broken_ = false;
  std::size_t skipping_ = 0;  ///< Remaining bytes of a frame that is too long.
  std::size_t skipped_ = 0;   ///< The frame's whole length.
  bool in_text_ = false;      ///< The worker prints text instead of a frame.
  std::size_t text_bytes_ = 0;
  std::string kept_;
  std::string pending_;
  msgpack_message_reader reader_;
};

}  // namespace

std::unique_ptr<worker_codec> make_msgpack_codec(std::size_t frame_bytes_max) {
  return std::make_unique<msgpack_codec>(frame_bytes_max);
}

}  // namespace greenroom::protocols
