// `requestState`: what a client brings back when it repeats a call with the input that the call
// needed (2026-07-28, basic/patterns/mrtr). Clients can read, keep and change it, so it is signed.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/mcp/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

/// Signs with a key that only the node knows. The codes of other texts say nothing about this one.
class state_signer {
public:
  virtual ~state_signer() = default;
  /// At least 16 bytes, always as many.
  [[nodiscard]] virtual std::string sign(std::string_view text) const = 0;
};

struct input_state {
  std::string principal;       ///< Who may bring it back; empty: nobody has a name.
  std::uint64_t request = 0;   ///< See `digest_of`.
  std::int64_t expires_s = 0;  ///< Unix time.
  std::string call;            ///< The node's name of the call that waits; empty: none does.
  std::string inner;           ///< The server's own requestState; empty: it has none.

  friend bool operator==(const input_state&, const input_state&) = default;
};

/// A hash of what the repeated request must have in common with the first one: the method, and the
/// params without `_meta`, `inputResponses` and `requestState`. Order and spelling of members
/// count, since the client repeats its own request.
[[nodiscard]] std::uint64_t digest_of(std::string_view method, std::string_view params);

/// The longest text of a state.
inline constexpr std::size_t state_bytes_max = std::size_t{64} << 10;

/// The text for the client. `internal_error` when the text would have more than `state_bytes_max`
/// bytes, because the server's own state is too long: `opened` would refuse the text, and the call
/// could never go on. The failure has no id.
[[nodiscard]] base::expected<std::string, failure> sealed(const input_state& state,
                                                          const state_signer& signer);

/// What must be so for a state to be taken.
struct state_check {
  std::string_view principal;
  std::uint64_t request = 0;
  std::int64_t now_s = 0;  ///< Unix time.
};

/// `invalid_params` for a state that was changed, that is another's or another request's, or that
/// has expired. The failure has no id, and does not say which: an attacker would learn from it.
[[nodiscard]] base::expected<input_state, failure> opened(std::string_view text,
                                                          const state_check& check,
                                                          const state_signer& signer);

}  // namespace greenroom::protocols::mcp
