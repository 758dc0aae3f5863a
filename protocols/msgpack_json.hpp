// Converts JSON text to MessagePack and back. For values without a counterpart see
// worker_msgpack.hpp.
#pragma once

#include "protocols/base/expected.hpp"

#include <string>
#include <string_view>

namespace greenroom::protocols {

/// Appends valid JSON text as MessagePack. Integers beyond 64 bits become doubles. A problem
/// when the text is invalid: then a part may have been appended.
base::expected<void> append_msgpack(std::string& out, std::string_view json);

/// Appends `packed`, which is one MessagePack value, as JSON text. After a problem `out` is
/// unchanged.
base::expected<void> append_json(std::string& out, std::string_view packed);

}  // namespace greenroom::protocols
