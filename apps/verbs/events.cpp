// `greenroom events`: prints the node's server-sent events.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "protocols/plain_text.hpp"

#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct events_options {
  asking how;
  std::string kind;
  bool watch = false;
};

/// Without --watch the stream ends after a pause of this length: the node sends its kept events at
/// once.
constexpr std::chrono::milliseconds kept_are_over{400};
/// With --watch only a lost node ends the stream; the node sends comments to keep it alive.
constexpr std::chrono::hours forever{24 * 365};

struct server_event {
  std::string id, kind, data;
};

/// Splits a stream into events (WHATWG HTML, section "Server-sent events").
class event_parser {
public:
  template <class Take>
  void feed(std::string_view piece, const Take& on_event) {
    buffer_ += piece;
    std::size_t from = 0;
    for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', from)) {
      std::string_view line{buffer_.data() + from, end - from};
      if (line.ends_with('\r')) line.remove_suffix(1);
      take(line, on_event);
      from = end + 1;
    }
    buffer_.erase(0, from);
  }

private:
  template <class Take>
  void take(std::string_view line, const Take& on_event) {
    if (line.empty()) {
      if (!now_.data.empty()) on_event(now_);
      now_ = {};
      return;
    }
    const auto colon = line.find(':');
    if (colon == 0) return;  // A comment.
    const auto field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id")
      now_.id = value;
    else if (field == "event")
      now_.kind = value;
    else if (field == "data")
      now_.data.append(now_.data.empty() ? "" : "\n").append(value);
  }

  std::string buffer_;
  server_event now_;
};

/// One event as the node reports it.
struct happening {
  json body;
  std::string kind;
};

happening happening_of(const server_event& one) {
  happening result{json::parse(one.data, nullptr, false), one.kind};
  if (result.kind.empty()) result.kind = text_of(result.body, "kind", "?");
  return result;
}

void print_event(const happening& one, bool as_json) {
  if (as_json) {
    std::printf("%s\n", shown_text(written(one.body)).c_str());
    return;
  }
  auto line = paint(text_of(one.body, "at"), colour::grey) + "  "
              + paint(protocols::plain_text(one.kind),
                      one.kind.ends_with("failed") ? colour::red : colour::bold);
  const auto detail = one.body.is_object() ? one.body.value("detail", json{}) : json{};
  if (detail.is_object()) {
    for (const auto& [key, value] : detail.items())
      line += "  " + protocols::plain_text(key) + "=" + text_of(detail, key.c_str());
  } else if (!detail.is_null()) {
    line += "  " + text_of(one.body, "detail");
  }
  std::printf("%s\n", line.c_str());
}

int events(const events_options& o) {
  node_client client{o.how};
  event_parser parser;
  const auto on_piece = [&](std::string_view piece) {
    parser.feed(piece, [&](const server_event& one) {
      const auto what = happening_of(one);
      if (!what.body.is_discarded() && what.kind.starts_with(o.kind))
        print_event(what, o.how.as_json);
    });
    return flush_output() && !is_output_closed();
  };
  const bool good = client.stream("/v1/events?after=0", on_piece,
                                  o.watch ? std::chrono::milliseconds{forever} : kept_are_over);
  return good ? done : client.code();
}

}  // namespace

void define_events(CLI::App& verb, outcome& result) {
  verb.description("What happened: starts, ends, failures");
  auto o = std::make_shared<events_options>();
  verb.add_option("--kind", o->kind, "Only kinds that begin with this text, such as 'specialist.'");
  verb.add_flag("--watch", o->watch, "Follow new events until Ctrl-C");
  add_asking_options(verb, o->how);
  verb.footer("Example:\n  greenroom events --watch --kind specialist.");
  verb.callback([o, &result] { result.code = events(*o); });
}

}  // namespace greenroom::apps
