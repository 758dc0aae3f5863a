// The small JSON documents that actors write: events and what operators read.
#pragma once

#include "protocols/base/json_writer.hpp"

#include <string>

namespace greenroom::actors {

/// Control characters are numbers, and bytes that are not UTF-8 are passed on unchanged.
inline constexpr base::json_style document_style{base::json_escapes::numbers, true};
using json_object = base::json_object_in<document_style>;
using json_array = base::json_array_in<document_style>;

/// A measured value as a JSON number with at most six decimals, never with an exponent; 0 for
/// infinity, NaN and values beyond 1e15.
[[nodiscard]] std::string decimal(double value);

}  // namespace greenroom::actors
