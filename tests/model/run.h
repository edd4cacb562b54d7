// One run of the model test, and what to say when it fails.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/model/machine.h"

namespace fallow::model {

struct Failure {
  std::string what;
  std::vector<Operation> operations;  // that lead to it
};

// Performs these operations on a zone of this shape, and finishes.
std::optional<Failure> replay(const Shape& shape, const std::vector<Operation>& operations);

// Performs `count` operations chosen by `seed`.
std::optional<Failure> run(const Shape& shape, std::uint64_t seed, std::uint64_t count,
                           Machine::Tally* tally);

// Leaves out what the failure does not need, for at most some seconds.
Failure shrink(const Shape& shape, Failure failure);

}  // namespace fallow::model
