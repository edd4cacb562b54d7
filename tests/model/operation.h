// One step of the model test, printed as the C++ code that repeats it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"

namespace fallow::model {

struct Operation {
  enum class Kind : std::uint8_t {
    Allocate,      // cache, order, mobility
    Free,          // cache, pfn, order: misuse if the block is not allocated, misaligned or outside
    Drain,         // cache
    Retire,        // cache
    RequestDrain,  //
    Advance,       // nanoseconds of virtual time, in which the worker runs when due
    Register,      // order: the index of Machine's policy; value: capacity
    Unregister,    //
    Forget,        //
    FailNext,      // value: the number of reports that will fail
    MeddleNext,    // order: the order that the device tries to allocate inside its next report
  };
  Kind kind;
  std::uint32_t cache = 0;
  Order order;
  Mobility mobility = Mobility::Movable;
  std::uint64_t value = 0;  // a frame number, a time or a count
};

inline Operation allocate(std::uint32_t cache, unsigned order, Mobility mobility) {
  return {Operation::Kind::Allocate, cache, {static_cast<std::uint8_t>(order)}, mobility, 0};
}
inline Operation free(std::uint32_t cache, std::uint64_t pfn, unsigned order) {
  return {Operation::Kind::Free, cache, {static_cast<std::uint8_t>(order)}, {}, pfn};
}
inline Operation drain(std::uint32_t cache) { return {Operation::Kind::Drain, cache, {}, {}, 0}; }
inline Operation retire(std::uint32_t cache) { return {Operation::Kind::Retire, cache, {}, {}, 0}; }
inline Operation request_drain() { return {Operation::Kind::RequestDrain, 0, {}, {}, 0}; }
inline Operation advance(std::uint64_t nanoseconds) {
  return {Operation::Kind::Advance, 0, {}, {}, nanoseconds};
}
inline Operation register_device(unsigned policy, std::uint64_t capacity) {
  return {Operation::Kind::Register, 0, {static_cast<std::uint8_t>(policy)}, {}, capacity};
}
inline Operation unregister_device() { return {Operation::Kind::Unregister, 0, {}, {}, 0}; }
inline Operation forget_reported() { return {Operation::Kind::Forget, 0, {}, {}, 0}; }
inline Operation fail_next(std::uint64_t reports) { return {Operation::Kind::FailNext, 0, {}, {}, reports}; }
inline Operation meddle_next(unsigned order) {
  return {Operation::Kind::MeddleNext, 0, {static_cast<std::uint8_t>(order)}, {}, 0};
}

// Returns the call that makes this operation.
std::string to_code(const Operation& operation);

// Returns a complete test, to be pasted into regressions_test.cc.
std::string to_test(const std::string& shape, const std::string& name,
                    const std::vector<Operation>& operations);

}  // namespace fallow::model
