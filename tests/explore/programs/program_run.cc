#include "tests/explore/programs/program_run.h"

#include <cctype>

namespace fallow::explore {
namespace {

Scenario scenario_of(const Program& program) {
  return {"Program", "a random program", [&program] { perform(program); }};
}

}  // namespace

Findings run_random(const Program& program, const Limits& limits, std::uint64_t seed,
                    std::uint64_t schedules) {
  return search_random(scenario_of(program), limits, seed, {1e9, schedules});
}

Findings run_all(const Program& program, const Limits& limits, std::uint64_t schedules) {
  return search_all(scenario_of(program), limits, {1e9, schedules});
}

std::string kind_of(const std::string& failure) {
  std::string kind;
  for (std::size_t i = 0; i < failure.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(failure[i])) != 0;
    // The names of contract clauses and invariants keep their number: R11, ZONE-3.
    const bool name =
        digit && i > 0 &&
        (std::isupper(static_cast<unsigned char>(failure[i - 1])) != 0 || failure[i - 1] == '-' ||
         std::isdigit(static_cast<unsigned char>(kind.empty() ? 'x' : kind.back())) != 0);
    if (!digit || name) kind += failure[i];
  }
  return kind;
}

}  // namespace fallow::explore
