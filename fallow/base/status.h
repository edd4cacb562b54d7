// Status and Result: return values that the caller cannot ignore. Running out of memory is a normal answer.
#pragma once

#include <cstdint>

#include "fallow/base/check.h"

namespace fallow {

/// The outcome of an operation.
enum class [[nodiscard]] Status : std::uint8_t{
    Ok,               ///< Done.
    NoMemory,         ///< No suitable block is free.
    Busy,             ///< Another device is registered, or the operation is under way.
    InvalidArgument,  ///< A parameter is out of its documented range.
    NotFound,         ///< The device is not the registered one.
    Deadlock,         ///< The caller is the worker, and would wait for itself.
    Failed,           ///< The device failed to carry out the request.
    Pending,          ///< The device will complete the request later.
    ContentUnknown,   ///< Done, but the content of the frames is unspecified.
    NotAllocated,     ///< Misuse: the freed frame is not allocated (a double free, or never allocated).
    OutsideZone,      ///< Misuse: the frame does not belong to the zone.
    Misaligned,       ///< Misuse: the frame is not aligned to the order with which it is freed.
};

/// Returns a readable description; never null.
constexpr const char* describe(Status s) {
  switch (s) {
    case Status::Ok:
      return "ok";
    case Status::NoMemory:
      return "out of memory";
    case Status::Busy:
      return "busy";
    case Status::InvalidArgument:
      return "invalid argument";
    case Status::NotFound:
      return "not registered";
    case Status::Deadlock:
      return "called from the worker, which would wait for itself";
    case Status::Failed:
      return "the device failed";
    case Status::Pending:
      return "pending";
    case Status::ContentUnknown:
      return "done, but the content of the frames is unspecified";
    case Status::NotAllocated:
      return "free of a frame that is not allocated";
    case Status::OutsideZone:
      return "frame outside the zone";
    case Status::Misaligned:
      return "frame not aligned to its order";
  }
  return "unknown status";
}

/// A value, or the status that says why there is no value. T must be cheap to copy.
template <class T>
class [[nodiscard]] Result {
 public:
  /// A result with a value; ok() holds.
  constexpr Result(T value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  /// A result without a value. `why` must not be Ok.
  constexpr Result(Status why) : status_(why) {}  // NOLINT(google-explicit-constructor)
  /// Whether there is a value.
  constexpr bool ok() const { return status_ == Status::Ok; }
  /// Ok, or why there is no value.
  constexpr Status status() const { return status_; }
  /// The value. Stops the program through fallow_panic() if there is none.
  constexpr const T& value() const {
    FALLOW_REQUIRE(ok(),
                   "Result::value(): there is no value; test ok() first, and read the reason from status()");
    return value_;
  }

 private:
  T value_{};
  Status status_ = Status::Ok;
};

}  // namespace fallow
