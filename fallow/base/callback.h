// A function pointer bundled with the object that it works on.
#pragma once

#include "fallow/base/check.h"

namespace fallow {

template <class Signature>
class Callback;

/// A pointer to a function and the context that its first parameter receives. Trivially copyable; allocates
/// nothing. The context must outlive every call. A default-constructed Callback is empty; a call of it stops
/// the program.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  /// The function; `context` is the pointer that the callback carries.
  using Function = R (*)(void* context, Args... args);

  constexpr Callback() noexcept = default;
  /// `function` receives `context` as its first argument.
  constexpr Callback(Function function, void* context) noexcept : function_(function), context_(context) {}

  /// The callback that calls the member function on `object`: `Callback<void()>::to<&Timer::fire>(timer)`.
  template <auto Member, class Object>
  static constexpr Callback to(Object& object) noexcept {
    return {
        [](void* context, Args... args) -> R { return (static_cast<Object*>(context)->*Member)(args...); },
        &object};
  }

  /// Returns false for an empty callback.
  constexpr explicit operator bool() const noexcept { return function_ != nullptr; }

  /// Calls the function, which must be set; an empty callback stops the program.
  R operator()(Args... args) const {
    FALLOW_REQUIRE(function_ != nullptr,
                   "Callback: the callback is empty; give it a function before the call");
    return function_(context_, args...);
  }

 private:
  Function function_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace fallow
