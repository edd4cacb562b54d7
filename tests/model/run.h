// One run of the model test, and the report of its failure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/model/machine.h"

namespace fallow::model {

struct Failure {
  std::string what;
  std::vector<Operation> operations;  // the operations that lead to the failure
};

// Performs these operations on a zone of this shape, and finishes.
std::optional<Failure> replay(const Shape& shape, const std::vector<Operation>& operations);

// Performs `count` operations chosen by `seed`.
std::optional<Failure> run(const Shape& shape, std::uint64_t seed, std::uint64_t count,
                           Machine::Tally* tally);

// Removes operations that the failure does not need, for at most a few seconds.
Failure shrink(const Shape& shape, Failure failure);

}  // namespace fallow::model
