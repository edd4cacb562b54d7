// One step of a thread of a random program.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "fallow/base/status.h"
#include "fallow/zone/allocation.h"

namespace fallow::explore {

// Every operation is legal at every moment: an operation whose cache, allocation or slot does not exist is a
// no-op. Any subset of a program is therefore a program.
struct Operation {
  enum class Kind : std::uint8_t {
    Allocate,
    Free,
    FreePart,
    Give,
    Take,
    PassCache,
    TakeCache,
    FreeAgain,
    FreeUnowned,
    Drain,
    Retire,
    RequestDrain,
    Work,
    CallWorker,
    Complete,
    Register,
    Unregister,
    Forget,
    Report,
  };
  static constexpr unsigned kKinds = 19;
  static constexpr unsigned kMaxArguments = 5;

  Kind kind;
  std::array<std::uint32_t, kMaxArguments> arguments = {};

  friend bool operator==(const Operation&, const Operation&) = default;
};

// Returns the call of a function below that makes the operation.
std::string to_text(const Operation& operation);
// Returns the name as in the source, for the answers of a device.
const char* name_of(Status status);
// Returns the number of arguments of the kind.
unsigned argument_count(Operation::Kind kind);

constexpr Operation operation(Operation::Kind kind, std::array<std::uint32_t, 5> arguments = {}) {
  return {kind, arguments};
}

constexpr Operation allocate(unsigned cache, unsigned order = 0, Mobility mobility = Mobility::Movable) {
  return operation(Operation::Kind::Allocate, {cache, order, static_cast<unsigned>(mobility)});
}
// Frees the thread's `which`-th allocation, counted cyclically from the oldest.
constexpr Operation free(unsigned cache, unsigned which = 0) {
  return operation(Operation::Kind::Free, {cache, which});
}
// Frees the last 2^order frames of the allocation.
constexpr Operation free_part(unsigned cache, unsigned which, unsigned order) {
  return operation(Operation::Kind::FreePart, {cache, which, order});
}
// Leaves the allocation in a slot, from which any thread may take it; take() waits briefly if the slot is
// empty.
constexpr Operation give(unsigned slot, unsigned which = 0) {
  return operation(Operation::Kind::Give, {slot, which});
}
constexpr Operation take(unsigned slot) { return operation(Operation::Kind::Take, {slot}); }
// Like give(), for a cache.
constexpr Operation pass_cache(unsigned cache) { return operation(Operation::Kind::PassCache, {cache}); }
constexpr Operation take_cache(unsigned cache) { return operation(Operation::Kind::TakeCache, {cache}); }
// Misuse: frees the thread's last freed allocation again through the same cache.
constexpr Operation free_again() { return operation(Operation::Kind::FreeAgain); }
// Misuse: frees 2^order frames whose first frame is unowned, `frame` frames after the zone's base.
constexpr Operation free_unowned(unsigned cache, unsigned frame, unsigned order = 0) {
  return operation(Operation::Kind::FreeUnowned, {cache, frame, order});
}
constexpr Operation drain(unsigned cache) { return operation(Operation::Kind::Drain, {cache}); }
constexpr Operation retire(unsigned cache) { return operation(Operation::Kind::Retire, {cache}); }
constexpr Operation request_drain() { return operation(Operation::Kind::RequestDrain); }
// Runs the worker for work due within the next `wait` milliseconds.
constexpr Operation work(unsigned rounds = 1, unsigned wait = 0) {
  return operation(Operation::Kind::Work, {rounds, wait});
}
// Calls the worker concurrently with the worker's thread.
constexpr Operation call_worker() { return operation(Operation::Kind::CallWorker); }
constexpr Operation complete(Status status = Status::Ok) {
  return operation(Operation::Kind::Complete, {static_cast<unsigned>(status)});
}
// Registers with the program's `policy`-th policy, with or without a promise.
constexpr Operation register_device(unsigned policy = 0, bool promising = true) {
  return operation(Operation::Kind::Register, {policy, promising ? 1U : 0U});
}
constexpr Operation unregister_device() { return operation(Operation::Kind::Unregister); }
constexpr Operation forget() { return operation(Operation::Kind::Forget); }
// Calls World::report(), from the program's reporting order on. `areas`: one bit per order, 0 for all.
constexpr Operation report(unsigned most, bool reported = true, unsigned requests = 1, unsigned areas = 0,
                           bool join = true) {
  return operation(Operation::Kind::Report, {most, reported ? 1U : 0U, requests, areas, join ? 1U : 0U});
}

}  // namespace fallow::explore
