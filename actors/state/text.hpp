// The small JSON documents that actors write: events and what operators read.
#pragma once

#include "protocols/base/json_writer.hpp"

namespace greenroom::actors {

/// Control characters are numbers, and bytes that are not UTF-8 go through as they are.
inline constexpr base::json_style document_style{base::json_escapes::numbers, true};
using json_object = base::json_object_in<document_style>;
using json_array = base::json_array_in<document_style>;

}  // namespace greenroom::actors
