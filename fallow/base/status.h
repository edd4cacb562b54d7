// Answers of the core: an enum that cannot be ignored. Out of memory is a normal answer.
#pragma once

#include <cstdint>

#include "fallow/base/check.h"

namespace fallow {

enum class [[nodiscard]] Status : std::uint8_t{
    Ok,
    NoMemory,         // nothing suitable is free
    Busy,             // another device is registered, or the operation is under way
    InvalidArgument,  // a parameter is out of its documented range
    NotFound,         // the device is not the one that is registered
    Deadlock,         // the caller is the worker, and would wait for itself
    Failed,           // the device could not do it
    Pending,          // the device will complete the request later
    ContentUnknown,   // done, but not as promised: what the frames hold is unspecified
    NotAllocated,     // misuse: a free of a frame that is not allocated (a double free, or never given out)
    OutsideZone,      // misuse: a frame that does not belong to the zone
    Misaligned,       // misuse: a frame that is not aligned to the order it is freed with
};

// A sentence for people; never null.
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
      return "done, without the promised content";
    case Status::NotAllocated:
      return "free of a frame that is not allocated";
    case Status::OutsideZone:
      return "frame outside the zone";
    case Status::Misaligned:
      return "frame not aligned to its order";
  }
  return "unknown status";
}

// A value or the reason why there is none. T must be cheap to copy.
template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(value) {}    // NOLINT(google-explicit-constructor)
  constexpr Result(Status why) : status_(why) {}  // NOLINT(google-explicit-constructor)
  constexpr bool ok() const { return status_ == Status::Ok; }
  constexpr Status status() const { return status_; }
  constexpr const T& value() const {
    FALLOW_CHECK(ok());
    return value_;
  }

 private:
  T value_{};
  Status status_ = Status::Ok;
};

}  // namespace fallow
