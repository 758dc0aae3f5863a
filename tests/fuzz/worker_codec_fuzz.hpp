// What the fuzz targets of the workers' codecs share: the same bytes, whole and in pieces, have to
// be understood alike, and what is called JSON has to be JSON to another parser as well.
#pragma once

#include "protocols/base/json_text.hpp"
#include "protocols/worker_codec.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::fuzz {

/// Whether the other parser takes it too. It refuses numbers that fit no double, which are JSON.
inline bool is_json_elsewhere(std::string_view text) {
  return nlohmann::json::accept(text) || text.size() > 300 || text.find_first_of("eE") != text.npos;
}

class recorder final : public protocols::worker_listener {
public:
  void on_message(const protocols::worker_message& said) override {
    if (said.word == protocols::worker_word::result && !is_json_elsewhere(said.text)) std::abort();
    heard.emplace_back(static_cast<int>(said.word),
                       std::string{said.id} + "|" + std::string{said.text});
  }
  std::vector<std::pair<int, std::string>> heard;
};

template <class Make>
int feed_both_ways(const std::uint8_t* data, std::size_t size, Make make) {
  if (size == 0) return 0;
  // The first byte says how long the pieces are.
  const std::size_t step = data[0] % 16 + 1U;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  recorder whole, pieces;
  make()->feed(bytes, whole);
  const std::unique_ptr<protocols::worker_codec> codec = make();
  for (std::size_t at = 0; at < bytes.size(); at += step)
    codec->feed(bytes.substr(at, step), pieces);
  if (whole.heard != pieces.heard) std::abort();
  return 0;
}

}  // namespace greenroom::fuzz
