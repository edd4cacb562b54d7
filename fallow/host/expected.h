// The return type of factories that call the operating system, which can fail in many ways.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace fallow {

/// A new object, or a readable error that says which call failed and why.
template <class T>
struct [[nodiscard]] Expected {
  std::unique_ptr<T> object;  ///< Null on failure.
  std::string error;          ///< Empty on success.

  /// Success; `made` must not be null.
  Expected(std::unique_ptr<T> made) : object(std::move(made)) {}  // NOLINT(google-explicit-constructor)
  /// Failure; `why` must not be empty.
  Expected(std::string why) : error(std::move(why)) {}  // NOLINT(google-explicit-constructor)
  /// Whether the object was made.
  explicit operator bool() const { return object != nullptr; }
};

}  // namespace fallow
