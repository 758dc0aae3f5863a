// JSON text to MessagePack and back. What has no counterpart: see worker_msgpack.hpp.
#pragma once

#include <string>
#include <string_view>

namespace greenroom::protocols {

/// Appends valid JSON text as MessagePack. Integers beyond 64 bits become doubles. False when the
/// text is not valid.
bool append_msgpack(std::string& out, std::string_view json);

/// Appends the one MessagePack value that `packed` is as JSON text.
bool append_json(std::string& out, std::string_view packed);

}  // namespace greenroom::protocols
