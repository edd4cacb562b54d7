// One step of a thread of a random program.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "fallow/base/status.h"
#include "fallow/zone/mobility.h"

namespace fallow::explore {

// Every operation is legal at every moment: one whose cache, allocation or slot is not there does nothing. So
// whatever is left out of a program, the rest is a program too.
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

// The call of a function below that makes the operation.
std::string to_text(const Operation& operation);
// As in the source, for the answers of a device.
const char* name_of(Status status);
// How many arguments the kind has.
unsigned argument_count(Operation::Kind kind);

constexpr Operation operation(Operation::Kind kind, std::array<std::uint32_t, 5> arguments = {}) {
  return {kind, arguments};
}

constexpr Operation allocate(unsigned cache, unsigned order = 0, Mobility mobility = Mobility::Movable) {
  return operation(Operation::Kind::Allocate, {cache, order, static_cast<unsigned>(mobility)});
}
// Frees the thread's `which`-th allocation, counted from the oldest and around.
constexpr Operation free(unsigned cache, unsigned which = 0) {
  return operation(Operation::Kind::Free, {cache, which});
}
// Frees the last 2^order frames of it.
constexpr Operation free_part(unsigned cache, unsigned which, unsigned order) {
  return operation(Operation::Kind::FreePart, {cache, which, order});
}
// Leaves it in a slot, for any thread to take; take() waits a little if the slot is empty.
constexpr Operation give(unsigned slot, unsigned which = 0) {
  return operation(Operation::Kind::Give, {slot, which});
}
constexpr Operation take(unsigned slot) { return operation(Operation::Kind::Take, {slot}); }
// The same for a cache.
constexpr Operation pass_cache(unsigned cache) { return operation(Operation::Kind::PassCache, {cache}); }
constexpr Operation take_cache(unsigned cache) { return operation(Operation::Kind::TakeCache, {cache}); }
// Misuse: frees what this thread freed last, once more through the same cache.
constexpr Operation free_again() { return operation(Operation::Kind::FreeAgain); }
// Misuse: frees 2^order frames of which nobody owns the first, `frame` frames after the zone's base.
constexpr Operation free_unowned(unsigned cache, unsigned frame, unsigned order = 0) {
  return operation(Operation::Kind::FreeUnowned, {cache, frame, order});
}
constexpr Operation drain(unsigned cache) { return operation(Operation::Kind::Drain, {cache}); }
constexpr Operation retire(unsigned cache) { return operation(Operation::Kind::Retire, {cache}); }
constexpr Operation request_drain() { return operation(Operation::Kind::RequestDrain); }
// Runs the worker for what is due within the next `wait` milliseconds.
constexpr Operation work(unsigned rounds = 1, unsigned wait = 0) {
  return operation(Operation::Kind::Work, {rounds, wait});
}
// Calls the worker beside the thread whose part that is.
constexpr Operation call_worker() { return operation(Operation::Kind::CallWorker); }
constexpr Operation complete(Status status = Status::Ok) {
  return operation(Operation::Kind::Complete, {static_cast<unsigned>(status)});
}
// Registers with the program's `policy`-th policy; `promising` or not.
constexpr Operation register_device(unsigned policy = 0, bool promising = true) {
  return operation(Operation::Kind::Register, {policy, promising ? 1U : 0U});
}
constexpr Operation unregister_device() { return operation(Operation::Kind::Unregister); }
constexpr Operation forget() { return operation(Operation::Kind::Forget); }
// World::report(), from the program's reporting order on. `areas`: a bit for each order, 0 for all.
constexpr Operation report(unsigned most, bool reported = true, unsigned requests = 1, unsigned areas = 0,
                           bool join = true) {
  return operation(Operation::Kind::Report, {most, reported ? 1U : 0U, requests, areas, join ? 1U : 0U});
}

}  // namespace fallow::explore
