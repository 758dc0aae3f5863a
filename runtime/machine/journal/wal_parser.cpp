#include "runtime/machine/journal/wal_parser.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace greenroom::machine {

namespace {

constexpr std::size_t log_header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t log_magic = 0x377f0682;  // The lowest bit set: words are big-endian.
constexpr std::uint32_t page_bytes_usual = 4096;

std::uint32_t big_endian(const unsigned char* at) {
  return (static_cast<std::uint32_t>(at[0]) << 24U) | (static_cast<std::uint32_t>(at[1]) << 16U)
         | (static_cast<std::uint32_t>(at[2]) << 8U) | static_cast<std::uint32_t>(at[3]);
}

struct log_sum {
  std::uint32_t a = 0, b = 0;
  friend bool operator==(const log_sum&, const log_sum&) = default;
};

log_sum sum_at(const unsigned char* at) { return {big_endian(at), big_endian(at + 4)}; }

/// The file format's checksum, continued from `from`.
log_sum go_on(log_sum from, const unsigned char* bytes, std::size_t size, bool words_big) {
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    std::memcpy(&first, bytes + i, sizeof first);
    std::memcpy(&second, bytes + i + 4, sizeof second);
    if (words_big != (std::endian::native == std::endian::big)) {
      first = __builtin_bswap32(first);
      second = __builtin_bswap32(second);
    }
    from.a += first + from.b;
    from.b += second + from.a;
  }
  return from;
}

class read_only_file {
public:
  explicit read_only_file(const std::string& path)
      : fd_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {}
  ~read_only_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  read_only_file(const read_only_file&) = delete;
  read_only_file& operator=(const read_only_file&) = delete;
  [[nodiscard]] bool good() const { return fd_ >= 0; }
  [[nodiscard]] std::uint64_t size() const {
    struct stat seen {};
    return ::fstat(fd_, &seen) == 0 ? static_cast<std::uint64_t>(seen.st_size) : 0;
  }
  /// False unless all bytes could be read.
  bool read(void* to, std::size_t bytes, std::uint64_t offset) const {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
      const auto got = ::pread(fd_, at, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got;
      offset += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
    return true;
  }

private:
  int fd_;
};

bool sensible_page_size(std::uint32_t bytes) {
  return bytes >= 512 && bytes <= 65536 && std::has_single_bit(bytes);
}

bool write_at(int fd, const void* from, std::size_t bytes, std::uint64_t offset) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const auto sent = ::pwrite(fd, at, bytes, static_cast<off_t>(offset));
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    offset += static_cast<std::uint64_t>(sent);
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

bool wal_content::looks_damaged() const {
  if (frames.empty()) return !header_sound && bytes > log_header_bytes;
  if (!header_sound) return true;
  // One broken transaction has one frame that ends a transaction.
  return ends_behind > 1 || (ends_behind == 1 && frames.back().pages_after == 0);
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> salts_of_log(int fd) {
  std::array<unsigned char, log_header_bytes> head{};
  if (::pread(fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    return std::nullopt;
  return std::pair{big_endian(head.data() + 16), big_endian(head.data() + 20)};
}

namespace {

using salt_pair = std::pair<std::uint32_t, std::uint32_t>;

/// Reads the header and then one frame after the other.
class wal_reader {
public:
  wal_reader(const read_only_file& file, wal_content& log) : file_{file}, log_{log} {}

  /// False: without a header and without `salts` the frames cannot be recognised.
  bool read_header(const std::optional<salt_pair>& salts) {
    std::array<unsigned char, log_header_bytes> head{};
    if (!file_.read(head.data(), head.size(), 0)) return false;
    const auto magic = big_endian(head.data());
    words_big_ = (magic & 1U) != 0;
    stored_ = go_on({}, head.data(), 24, words_big_);
    log_.header_sound = (magic & ~1U) == log_magic && stored_ == sum_at(head.data() + 24)
                        && sensible_page_size(big_endian(head.data() + 8));
    if (log_.header_sound) {
      log_.page_bytes = big_endian(head.data() + 8);
      log_.salt_1 = big_endian(head.data() + 16);
      log_.salt_2 = big_endian(head.data() + 20);
      stored_known_ = true;
    } else if (salts) {
      log_.salt_1 = salts->first;
      log_.salt_2 = salts->second;
      words_big_ = std::endian::native == std::endian::big;
    } else {
      return false;
    }
    unbroken_ = log_.header_sound;
    return true;
  }

  void read_frames() {
    const auto stride = frame_header_bytes + std::uint64_t{log_.page_bytes};
    bytes_.resize(stride);
    for (std::uint64_t at = log_header_bytes; at + stride <= log_.bytes; at += stride) {
      if (!file_.read(bytes_.data(), bytes_.size(), at)) break;
      read_frame(at);
    }
  }

private:
  void read_frame(std::uint64_t at) {
    const auto stored = sum_at(bytes_.data() + 16);
    const bool salted = big_endian(bytes_.data() + 8) == log_.salt_1
                        && big_endian(bytes_.data() + 12) == log_.salt_2;
    const bool follows = stored_known_ && sum_after(stored_) == stored;
    const bool proves = !follows && computed_known_ && sum_after(computed_) == stored;
    const auto computed = stored_known_ ? sum_after(stored_) : log_sum{};
    const bool was_known = stored_known_;
    stored_ = stored;
    // Remains of an earlier round: the frame would be followed by frames of that round.
    if (!salted && !follows) {
      unbroken_ = false;
      stored_known_ = false;
      computed_ = computed;
      computed_known_ = was_known;
      previous_is_ours_ = false;
      return;
    }
    // Only the previous frame's stored checksum was damaged: this frame proves that frame's
    // content.
    if (proves && previous_is_ours_) log_.frames.back().how = wal_content::health::sound;
    log_.frames.push_back({big_endian(bytes_.data()), big_endian(bytes_.data() + 4),
                           follows || proves ? wal_content::health::sound
                           : was_known       ? wal_content::health::damaged
                                             : wal_content::health::unsure,
                           at + frame_header_bytes});
    unbroken_ = unbroken_ && salted && follows;
    count_last_frame();
    computed_ = computed;
    computed_known_ = was_known && !follows;
    previous_is_ours_ = true;
    stored_known_ = true;
  }

  /// The checksum of the frame in `bytes_`, continued from `previous`.
  [[nodiscard]] log_sum sum_after(log_sum previous) const {
    return go_on(go_on(previous, bytes_.data(), 8, words_big_), bytes_.data() + frame_header_bytes,
                 log_.page_bytes, words_big_);
  }

  void count_last_frame() {
    const bool ends = log_.frames.back().pages_after != 0;
    if (unbroken_) {
      log_.whole = log_.frames.size();
      if (ends) log_.committed = log_.whole;
    } else {
      ++log_.behind;
      if (ends) ++log_.ends_behind;
    }
  }

  const read_only_file& file_;
  wal_content& log_;
  std::vector<unsigned char> bytes_;  ///< The current frame.
  bool words_big_ = false;
  bool unbroken_ = false;  ///< Every frame so far follows its predecessor.
  log_sum stored_;         ///< The previous frame's checksum as stored in the file.
  bool stored_known_ = false;
  log_sum computed_;  ///< The previous frame's checksum as computed from the frame's content.
  bool computed_known_ = false;
  bool previous_is_ours_ = false;  ///< The previous frame belongs to this round.
};

}  // namespace

std::optional<wal_content> parse_wal(const std::string& path, std::optional<salt_pair> salts) {
  const read_only_file file{path};
  if (!file.good() || file.size() == 0) return std::nullopt;
  wal_content log;
  log.bytes = file.size();
  log.page_bytes = page_bytes_usual;
  wal_reader reader{file, log};
  if (reader.read_header(salts)) reader.read_frames();
  return log;
}

namespace {

/// Copies `from` up to the first unreadable byte. False: `out` cannot be written.
bool copy_readable(const read_only_file& from, int out) {
  const auto bytes = from.size();
  std::vector<char> piece(1U << 20U);
  for (std::uint64_t size = 0; size < bytes;) {
    const auto next = std::min<std::uint64_t>(piece.size(), bytes - size);
    if (!from.read(piece.data(), next, size)) break;  // A bad sector: the rest is unknown.
    if (!write_at(out, piece.data(), next, size)) return false;
    size += next;
  }
  return true;
}

/// Writes the undamaged pages of the log's transactions. False: `out` cannot be written.
bool overlay(const wal_content& log, const std::string& log_path, int out) {
  // Frames after the last end of a transaction were never acknowledged.
  std::size_t last = log.frames.size();
  while (last > 0 && log.frames[last - 1].pages_after == 0) --last;
  const read_only_file from{log_path};
  std::vector<char> page(log.page_bytes);
  std::uint32_t pages = 0;
  for (std::size_t i = 0; i < last; ++i) {
    const auto& one = log.frames[i];
    if (one.how == wal_content::health::damaged) continue;
    // No journal is that large; a damaged page number must not create a file of 16 TB.
    constexpr std::uint32_t pages_most = 1U << 26U;
    if (one.page == 0 || one.page > pages_most) continue;
    if (!from.read(page.data(), page.size(), one.offset)) continue;
    if (!write_at(out, page.data(), page.size(), std::uint64_t{one.page - 1} * log.page_bytes))
      return false;
    if (one.pages_after != 0 && one.pages_after <= pages_most) pages = one.pages_after;
  }
  return pages == 0
         || ::ftruncate(out, static_cast<off_t>(std::uint64_t{pages} * log.page_bytes)) == 0;
}

}  // namespace

base::expected<void> make_journal_image(const std::string& file, const std::string& log_path,
                                        const std::optional<wal_content>& log,
                                        const std::string& to) {
  const auto failed = [&](const char* what) {
    return base::problem{"file",
                         "cannot " + std::string{what} + " " + to + ": " + std::strerror(errno)};
  };
  const int out = ::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) return failed("make");
  // Bytes 18 and 19 of the file say that there is a log; the image has none.
  constexpr std::array<char, 2> no_log{1, 1};
  const read_only_file from{file};
  const bool written = (!from.good() || copy_readable(from, out))
                       && (!log || overlay(*log, log_path, out))
                       && write_at(out, no_log.data(), no_log.size(), 18);
  base::expected<void> result;
  if (!written) result = failed("write");
  ::close(out);
  return result;
}

}  // namespace greenroom::machine
