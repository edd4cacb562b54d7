#include "tests/model/run.h"

#include <chrono>

#include "tests/model/generator.h"

namespace fallow::model {
namespace {

// Finds the shortest failing prefix, or a short one: an error that a walk finds may have existed for long.
Failure shortest_prefix(const Shape& shape, Failure failure) {
  std::size_t passes = 0;
  while (failure.operations.size() - passes > 1) {
    const std::size_t half = passes + (failure.operations.size() - passes) / 2;
    std::optional<Failure> still = replay(
        shape, {failure.operations.begin(), failure.operations.begin() + static_cast<std::ptrdiff_t>(half)});
    if (still) {
      failure = std::move(*still);
    } else {
      passes = half;
    }
  }
  return failure;
}

}  // namespace

std::optional<Failure> replay(const Shape& shape, const std::vector<Operation>& operations) {
  Machine machine(shape);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    machine.perform(operations[i]);
    if (machine.failed())
      return Failure{machine.failure(),
                     {operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(i) + 1}};
  }
  machine.finish();
  if (!machine.failed()) return std::nullopt;
  return Failure{machine.failure(), operations};
}

std::optional<Failure> run(const Shape& shape, std::uint64_t seed, std::uint64_t count,
                           Machine::Tally* tally) {
  Machine machine(shape);
  Generator generator(seed);
  std::vector<Operation> operations;
  operations.reserve(count);
  while (operations.size() < count && !machine.failed()) {
    operations.push_back(generator.next(machine));
    machine.perform(operations.back());
  }
  if (!machine.failed()) machine.finish();
  *tally = machine.tally();
  if (!machine.failed()) return std::nullopt;
  return Failure{machine.failure(), operations};
}

// Removes halves, quarters and so on as long as some failure remains; the failure may change on the way.
Failure shrink(const Shape& shape, Failure failure) {
  failure = shortest_prefix(shape, std::move(failure));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (std::size_t chunk = failure.operations.size() / 2; chunk > 0;) {
    bool shorter = false;
    for (std::size_t at = 0; at < failure.operations.size();) {
      if (std::chrono::steady_clock::now() > deadline) return failure;
      std::vector<Operation> fewer = failure.operations;
      const std::size_t end = std::min(at + chunk, fewer.size());
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(end));
      if (std::optional<Failure> still = replay(shape, fewer)) {
        failure = std::move(*still);
        shorter = true;
      } else {
        at += chunk;
      }
    }
    if (chunk > 1 || !shorter) chunk /= 2;
  }
  return failure;
}

}  // namespace fallow::model
