// What a factory returns when there is an operating system that can say no in many ways.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace fallow {

// The object, or a sentence for people that says which call failed and why.
template <class T>
struct [[nodiscard]] Expected {
  std::unique_ptr<T> object;  // null: there is none
  std::string error;          // empty: there is one

  Expected(std::unique_ptr<T> made) : object(std::move(made)) {}  // NOLINT(google-explicit-constructor)
  Expected(std::string why) : error(std::move(why)) {}            // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return object != nullptr; }
};

}  // namespace fallow
