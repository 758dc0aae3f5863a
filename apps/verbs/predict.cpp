// `greenroom predict` and `greenroom workflows`: the node's predictions and their reasons.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/predict_evaluate.hpp"

#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct predict_options {
  asking how;
  std::string specialist;
  std::string trace;
  std::size_t limit = 20;
};

std::string reasons_of(const json& one) {
  std::string text;
  const auto reasons = one.value("reasons", json::array());
  const auto add = [&text](const std::string& name, const json& weight) {
    if (!text.empty()) text += ", ";
    text += name;
    if (weight.is_number()) text += " " + fixed(weight.get<double>(), 2);
  };
  if (reasons.is_object()) {
    for (const auto& [name, weight] : reasons.items()) add(name, weight);
  } else {
    for (const auto& one_reason : reasons) {
      if (one_reason.is_object())
        add(text_of(one_reason, "reason"), one_reason.value("weight", json{}));
      else
        add(one_reason.is_string() ? one_reason.get<std::string>() : written(one_reason), json{});
    }
  }
  return text;
}

int predict(node_client& client, const predict_options& o) {
  const auto all = client.get("/v1/predictions");
  if (!all) return client.code();
  json chosen = json::array();
  for (const auto& one : all->value("items", json::array()))
    if (o.specialist.empty() || text_of(one, "specialist") == o.specialist)
      if (chosen.size() < o.limit) chosen.push_back(one);
  // No prediction is an error only when there is no such specialist.
  if (!o.specialist.empty() && chosen.empty()
      && !client.get("/v1/specialists/" + url_escape(o.specialist)))
    return client.code();
  if (o.how.as_json) {
    json whole = *all;
    whole["items"] = chosen;
    print_json(whole);
    return done;
  }
  const auto state = all->value("prediction", json::object());
  if (!state.value("on", true))
    std::printf(
        "prediction has switched itself off: it did worse than keeping each idle worker for %s.\n"
        "That is done meanwhile, and prediction is tried again later.\n\n",
        fixed(number_of(state, "keep_alive_s"), 0).append(" s").c_str());
  if (chosen.empty()) {
    std::printf("nothing is expected%s%s yet: the node has seen too little of its traffic\n",
                o.specialist.empty() ? "" : " of ", o.specialist.c_str());
    return done;
  }
  table rows{{{"SPECIALIST"}, {"SOON", true}, {"SCORE", true, 1}, {"STATE"}, {"BECAUSE OF"}}};
  for (const auto& one : chosen)
    rows.add({text_of(one, "specialist"), fixed(number_of(one, "probability") * 100, 1) + " %",
              fixed(number_of(one, "score"), 3), text_of(one, "state"), reasons_of(one)});
  std::printf("%s", rows.text().c_str());
  return done;
}

int workflows(const asking& how) {
  node_client client{how};
  const auto all = client.get("/v1/workflows");
  if (!all) return client.code();
  if (how.as_json) {
    print_json(*all);
    return done;
  }
  table rows{{{"WORKFLOW"}, {"STEPS"}}};
  for (const auto& one : all->value("items", json::array())) {
    std::string steps;
    if (one.is_object())
      for (const auto& step : one.value("steps", json::array()))
        steps += (steps.empty() ? "" : " → ") + (step.is_string() ? step.get<std::string>() : "?");
    rows.add({one.is_string() ? one.get<std::string>() : text_of(one, "name"), steps});
  }
  std::printf("%s", rows.text().c_str());
  return done;
}

}  // namespace

void define_predict(CLI::App& verb, outcome& result) {
  verb.description("Which specialists are expected next, and why");
  auto o = std::make_shared<predict_options>();
  auto* name = verb.add_option("SPECIALIST", o->specialist, "Only this specialist");
  verb.add_option("--limit", o->limit, "Show at most this many")->capture_default_str();
  verb.add_option("--evaluate", o->trace,
                  "Next-step accuracy of the sequence model over the cases of a recording; "
                  "needs no node")
      ->type_name("TRACE")
      ->excludes(name);
  add_asking_options(verb, o->how);
  add_watch_option(verb, o->how);
  verb.footer(
      "The number behind a reason is a factor: the expected rate is multiplied by it.\n"
      "Behind a transition, an hour, a collaboration or a named workflow the number is the\n"
      "probability that the specialist is called next.\n\n"
      "Example:\n"
      "  greenroom predict --watch\n"
      "  greenroom predict api-architect --json\n"
      "  greenroom predict --evaluate helpdesk.csv.gz --json");
  verb.callback([o, &result] {
    if (!o->trace.empty()) {
      result.code = predict_evaluate(o->trace, o->how.as_json);
      return;
    }
    node_client client{o->how};
    result.code = once_or_watch(o->how, [&] { return predict(client, *o); });
  });
}

void define_workflows(CLI::App& verb, outcome& result) {
  verb.description("List the configured workflows");
  auto how = std::make_shared<asking>();
  add_asking_options(verb, *how);
  verb.footer(
      "Example:\n"
      "  greenroom workflows\n"
      "  greenroom submit --workflow SECURITY_AUDIT 'the payment service'");
  verb.callback([how, &result] { result.code = workflows(*how); });
}

}  // namespace greenroom::apps
