#include "protocols/base/json_writer.hpp"

#include "protocols/base/number.hpp"

#include <cmath>

namespace greenroom::base {

json_value::json_value(double value) : held_{json_raw{"null"}} {
  if (std::isfinite(value)) held_ = exact_text(value);
}

void json_value::append_to(std::string& out, json_style style) const {
  if (const auto* text = std::get_if<std::string_view>(&held_))
    append_json_string(out, *text, style);
  else if (const auto* json = std::get_if<json_raw>(&held_))
    out += json->text;
  else
    out += *std::get_if<std::string>(&held_);
}

}  // namespace greenroom::base
