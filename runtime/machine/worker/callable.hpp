// C++ callables of the embedding service.
#pragma once

#include <concepts>
#include <functional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace greenroom::machine {

class callable_function;

/// Callable with the input and a stop token.
template <class F>
concept takes_input_and_stop_token =
    !std::same_as<
        std::remove_cvref_t<F>,
        callable_function> && std::is_invocable_r_v<std::string, std::remove_cvref_t<F>&, const std::string&, std::stop_token>;

/// Callable with the input, and not also with a stop token.
template <class F>
concept takes_input_only =
    !std::same_as<
        std::remove_cvref_t<F>,
        callable_function> && !std::is_invocable_v<std::remove_cvref_t<F>&, const std::string&, std::stop_token> && std::is_invocable_r_v<std::string, std::remove_cvref_t<F>&, const std::string&>;

/// Takes the JSON text of an input and returns the JSON text of a result. Made from anything that
/// can be called with the input, or with the input and a stop token. A stop is requested when the
/// result is no longer needed: the task timed out or was cancelled, or the node is being destroyed.
class callable_function {
public:
  callable_function() = default;
  template <takes_input_and_stop_token F>
  callable_function(F run) {  // NOLINT(google-explicit-constructor)
    if (is_set(run)) run_ = std::move(run);
  }
  template <takes_input_only F>
  callable_function(F run) {  // NOLINT(google-explicit-constructor)
    if (is_set(run))
      run_ = [run = std::move(run)](const std::string& input, const std::stop_token&) mutable {
        return run(input);
      };
  }

  explicit operator bool() const { return run_ != nullptr; }
  std::string operator()(const std::string& input, std::stop_token stop = {}) const {
    return run_(input, std::move(stop));
  }

private:
  /// False for a null function pointer or an empty std::function.
  template <class F>
  static bool is_set(const F&) {
    return true;
  }
  template <class Result, class... Arguments>
  static bool is_set(Result (*run)(Arguments...)) {
    return run != nullptr;
  }
  template <class Signature>
  static bool is_set(const std::function<Signature>& run) {
    return run != nullptr;
  }

  std::function<std::string(const std::string&, std::stop_token)> run_;
};

}  // namespace greenroom::machine
