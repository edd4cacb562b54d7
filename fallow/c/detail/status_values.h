// Status and its number in C.
#pragma once

#include <cstdint>

#include "fallow/base/memory_backing.h"
#include "fallow/base/status.h"
#include "fallow/c/status.h"

namespace fallow::detail {

constexpr fallow_status to_c(Status status) noexcept { return static_cast<fallow_status>(status); }

// Returns the status with a number that came from C; Failed for a number that is no status.
constexpr Status from_c(fallow_status status) noexcept {
  return status <= FALLOW_MISALIGNED ? static_cast<Status>(status) : Status::Failed;
}

constexpr bool is_content(std::uint32_t content) noexcept { return content <= FALLOW_CONTENT_IS_POISON; }

static_assert(to_c(Status::Ok) == FALLOW_OK && to_c(Status::NoMemory) == FALLOW_NO_MEMORY &&
              to_c(Status::Busy) == FALLOW_BUSY && to_c(Status::InvalidArgument) == FALLOW_INVALID_ARGUMENT &&
              to_c(Status::NotFound) == FALLOW_NOT_FOUND && to_c(Status::Deadlock) == FALLOW_DEADLOCK &&
              to_c(Status::Failed) == FALLOW_FAILED && to_c(Status::Pending) == FALLOW_PENDING &&
              to_c(Status::ContentUnknown) == FALLOW_CONTENT_UNKNOWN &&
              to_c(Status::NotAllocated) == FALLOW_NOT_ALLOCATED &&
              to_c(Status::OutsideZone) == FALLOW_OUTSIDE_ZONE &&
              to_c(Status::Misaligned) == FALLOW_MISALIGNED);
static_assert(static_cast<std::uint32_t>(Content::Unknown) == FALLOW_CONTENT_IS_UNKNOWN &&
              static_cast<std::uint32_t>(Content::Zero) == FALLOW_CONTENT_IS_ZERO &&
              static_cast<std::uint32_t>(Content::Poison) == FALLOW_CONTENT_IS_POISON);

}  // namespace fallow::detail
