#include "runtime/machine/journal/node_identity.hpp"

#include "protocols/base/hex.hpp"
#include "runtime/machine/journal/durable_files.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace greenroom::machine {

namespace {

using nlohmann::json;

constexpr std::size_t identity_bytes_max = 65536;  // The file usually has a few hundred bytes.

std::string identity_file(const std::string& data_dir) { return data_dir + "/node.json"; }

bool is_identity(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of(base::hex_digits) == std::string::npos;
}

std::string fresh_identity() {
  std::array<unsigned char, 16> bytes{};
  // A read of sixteen bytes is complete unless the kernel has no random numbers.
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return base::to_hex(bytes);
}

std::string this_host() {
  std::string id;
  std::ifstream{"/etc/machine-id"} >> id;
  if (!id.empty()) return id;
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string whole_path(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(path, ignored).string();
}

std::string place_of(const std::string& directory) {
  const auto found = number_of_file(directory);
  return found ? std::to_string(found->device) + ":" + std::to_string(found->inode) : "";
}

std::string text_in(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

base::expected<node_identity> read_node_identity(const std::string& data_dir) {
  const auto path = identity_file(data_dir);
  std::ifstream file{path, std::ios::binary};
  if (!file) return base::problem{"missing", "cannot open " + path};
  std::string text(identity_bytes_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto read = json::parse(text, nullptr, false);
  if (!read.is_object()) return base::problem{"damaged", path + " is no JSON object"};
  node_identity found{text_in(read, "node"), text_in(read, "journal"), text_in(read, "directory"),
                      text_in(read, "host"), text_in(read, "place")};
  if (!is_identity(found.node)) return base::problem{"damaged", path + " has no identity"};
  if (!is_identity(found.journal)) found.journal.clear();
  return found;
}

base::expected<void> write_node_identity(const std::string& data_dir,
                                         const node_identity& identity) {
  const auto path = identity_file(data_dir);
  const auto fresh = path + ".new";
  const auto failed = [&](const char* what) {
    return base::problem{"file",
                         "cannot " + std::string{what} + " " + path + ": " + std::strerror(errno)};
  };
  const auto text = json{{"node", identity.node},
                         {"journal", identity.journal},
                         {"directory", identity.directory},
                         {"host", identity.host},
                         {"place", identity.place}}
                        .dump(2, ' ', false, json::error_handler_t::replace)
                    + "\n";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed("create");
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size())
                     && ::fsync(file) == 0;
  const auto written = whole ? base::expected<void>{} : failed("write");
  ::close(file);
  if (!written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed("replace");
  return flush_directory(data_dir);
}

base::expected<taken_identity> take_node_identity(const std::string& data_dir,
                                                  const base::expected<node_identity>& known,
                                                  const std::string& journal) {
  const auto directory = whole_path(data_dir);
  const auto host = this_host();
  const auto place = place_of(data_dir);
  taken_identity result;
  auto now = known ? *known : node_identity{};
  // A moved directory, or one restored from a backup, has no original at the old path.
  if (known && known->host == host && known->place != place && known->directory != directory) {
    const auto original = read_node_identity(known->directory);
    if (original && original->node == known->node) {
      result.copied_from = known->directory;
      now.node.clear();
    }
  }
  if (now.node.empty()) now.node = fresh_identity();
  if (now.node.empty()) return base::problem{"random", "the kernel gives no random numbers"};
  result.node = now.node;
  now.journal = journal;
  now.directory = directory;
  now.host = host;
  now.place = place;
  const bool same = known && known->node == now.node && known->journal == now.journal
                    && known->directory == now.directory && known->host == now.host
                    && known->place == now.place;
  if (!same) {
    // On a full disk the node starts nevertheless: it has an identity, and writes the file at a
    // later start.
    static_cast<void>(write_node_identity(data_dir, now));
  }
  return result;
}

}  // namespace greenroom::machine
