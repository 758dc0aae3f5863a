// Joins a stream into one completion, for a client that did not ask for a stream.
#include "protocols/base/json_text.hpp"
#include "protocols/http_chat.hpp"
#include "protocols/server_events.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace greenroom::protocols {

namespace {

using ordered = nlohmann::ordered_json;

ordered read_line(std::string_view text) {
  if (!base::is_json(text)) return ordered::value_t::discarded;
  return ordered::parse(text.begin(), text.end(), nullptr, false);
}

std::string written_line(const ordered& value) {
  return value.dump(-1, ' ', false, ordered::error_handler_t::replace);
}

/// Merges a delta: appends strings, merges lists by their items' index, sets other values.
void continue_with(ordered& whole, const ordered& delta) {
  if (!delta.is_object()) return;
  for (const auto& [name, value] : delta.items()) {
    auto& here = whole[name];
    const bool named_once = name == "role" || name == "id" || name == "type" || name == "index";
    if (value.is_null()) continue;
    if (value.is_string() && here.is_string() && !named_once) {
      here = here.get<std::string>() + value.get<std::string>();
    } else if (value.is_object() && here.is_object()) {
      continue_with(here, value);
    } else if (value.is_array()) {
      if (!here.is_array()) here = ordered::array();
      for (const auto& item : value) {
        const auto same = std::find_if(here.begin(), here.end(), [&](const ordered& one) {
          return one.is_object() && item.is_object() && item.contains("index")
                 && one.value("index", ordered()) == item["index"];
        });
        if (same == here.end())
          here.push_back(item);
        else
          continue_with(*same, item);
      }
    } else {
      here = value;
    }
  }
}

/// Joins the chunks of a stream.
class chunk_gatherer {
public:
  /// False: not a chunk.
  bool add(const ordered& chunk) {
    if (!chunk.is_object()) return false;
    const auto choices = chunk.find("choices");
    if (choices == chunk.end() || !choices->is_array()) return false;
    found_ = true;
    for (const auto& [name, value] : chunk.items())
      if (name != "choices" && name != "object" && !value.is_null()) whole_[name] = value;
    for (const auto& choice : *choices) add_choice(choice);
    return true;
  }
  [[nodiscard]] bool found() const { return found_; }
  [[nodiscard]] std::string completion() {
    ordered result;
    for (const auto& [name, value] : whole_.items()) result[name] = value;
    result["object"] = "chat.completion";
    result["choices"] = std::move(choices_);
    return written_line(result);
  }

private:
  void add_choice(const ordered& choice) {
    if (!choice.is_object()) return;
    const auto index = choice.value("index", ordered(0));
    auto here = std::find_if(choices_.begin(), choices_.end(),
                             [&](const ordered& one) { return one["index"] == index; });
    if (here == choices_.end()) {
      choices_.push_back({{"index", index},
                          {"message", {{"role", "assistant"}, {"content", nullptr}}},
                          {"finish_reason", nullptr}});
      here = choices_.end() - 1;
    }
    for (const auto* name : {"delta", "message"})
      if (const auto said = choice.find(name); said != choice.end())
        continue_with((*here)["message"], *said);
    if (const auto reason = choice.find("finish_reason");
        reason != choice.end() && reason->is_string())
      (*here)["finish_reason"] = *reason;
  }

  ordered whole_ = ordered::object();
  ordered choices_ = ordered::array();
  bool found_ = false;
};

}  // namespace

std::string chat_text_of_line(std::string_view line) {
  const auto value = read_line(line);
  if (value.is_object()) {
    if (const auto said = value.find("message"); said != value.end() && said->is_object())
      if (const auto text = said->find("content"); text != said->end() && text->is_string())
        return text->get<std::string>();
    for (const auto* name : {"response", "content", "text"})
      if (const auto text = value.find(name); text != value.end() && text->is_string())
        return text->get<std::string>();
    if (value.contains("done")) return {};  // Ollama's last line: counts and times.
  }
  return std::string{line};
}

std::string chat_completion_of_stream(const chat_frame& frame, stream_form form,
                                      std::string_view output) {
  const auto whole = read_line(output);
  if (form == stream_form::text || !whole.is_string()) return chat_completion(frame, output);
  const auto& text = whole.get_ref<const std::string&>();
  std::string said;
  chunk_gatherer chunks;
  if (form == stream_form::events) {
    server_events_reader reader{text.size() + 1};
    const auto take = [&](const server_event& event) {
      if (!event.has_data || event.data == "[DONE]") return;
      if (!chunks.add(read_line(event.data))) said += chat_text_of_line(event.data);
    };
    reader.feed(text, take);
    reader.finish(take);
    if (chunks.found()) return chunks.completion();
  } else {
    for (std::string_view rest = text; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.find_first_not_of(" \t\r") != std::string_view::npos)
        said += chat_text_of_line(line);
    }
  }
  return chat_completion(frame, base::json_string(said));
}

}  // namespace greenroom::protocols
