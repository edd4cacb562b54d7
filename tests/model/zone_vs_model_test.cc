// Random operations on a zone of each shape, against the oracle.
//
//   model_test                               20 million operations (FALLOW_MODEL_OPS: another number)
//   model_test --shape Odd --seed 17 --ops N one run again, as a failure printed it
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "tests/model/run.h"

namespace fallow::model {
namespace {

constexpr std::uint64_t kDefaultOperations = 20'000'000;
constexpr std::uint64_t kOperationsPerSeed = 100'000;

// The current run, for the message if it hangs.
const char* running_shape = "";
volatile std::uint64_t running_seed = 0;

extern "C" void say_what_was_running(int signal) {
  std::fprintf(stderr, "\nmodel_test: died in --shape %s --seed %llu --ops %llu\n", running_shape,
               static_cast<unsigned long long>(running_seed),
               static_cast<unsigned long long>(kOperationsPerSeed));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::uint64_t number(const char* text, const char* what) {
  char* end = nullptr;
  const std::uint64_t n = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') {
    std::cerr << "model_test: " << what << " is not a number: " << text << "\n";
    std::exit(2);
  }
  return n;
}

// Runs one seed. On failure prints how to repeat the run, and the shortest failing sequence.
bool passes(const Shape& shape, std::uint64_t seed, std::uint64_t count, Machine::Tally* tally) {
  running_shape = shape.name.c_str();
  running_seed = seed;
  const std::optional<Failure> failure = run(shape, seed, count, tally);
  if (!failure) return true;
  std::cout << failure->what << "\nagain: model_test --shape " << shape.name << " --seed " << seed
            << " --ops " << failure->operations.size() << "\nshrinking ...\n";
  const Failure shortest = shrink(shape, *failure);
  std::cout << shortest.what << "\nthe " << shortest.operations.size()
            << " operations that are needed, for regressions_test.cc:\n\n";
  std::vector<Operation> last = shortest.operations;
  constexpr std::size_t kMost = 200;
  if (last.size() > kMost) {
    std::cout << "// the last " << kMost << " of them\n";
    last.erase(last.begin(), last.end() - kMost);
  }
  std::cout << to_test(shape.name, "Seed" + std::to_string(seed), last) << std::endl;
  return false;
}

class ZoneVsModel : public testing::TestWithParam<std::size_t> {};

TEST_P(ZoneVsModel, RandomOperations) {
  const Shape& shape = shapes()[GetParam()];
  const char* operations = std::getenv("FALLOW_MODEL_OPS");
  const std::uint64_t total =
      operations == nullptr ? kDefaultOperations : number(operations, "FALLOW_MODEL_OPS");
  const std::uint64_t mine = (total + shapes().size() - 1) / shapes().size();
  Machine::Tally sum;
  for (std::uint64_t done = 0, seed = GetParam() * 1'000'000; done < mine; ++seed) {
    const std::uint64_t count = std::min(mine - done, kOperationsPerSeed);
    Machine::Tally tally;
    ASSERT_TRUE(passes(shape, seed, count, &tally));
    done += count;
    sum.allocations += tally.allocations, sum.failed_allocations += tally.failed_allocations;
    sum.frees += tally.frees, sum.misuses += tally.misuses, sum.reports += tally.reports;
    sum.failed_reports += tally.failed_reports, sum.reported_frames += tally.reported_frames;
    sum.promises += tally.promises, sum.meddled += tally.meddled;
  }
  std::cout << shape.name << ": " << sum.allocations << " allocations (" << sum.promises
            << " of reported frames), " << sum.failed_allocations << " refused, " << sum.frees << " frees, "
            << sum.misuses << " misuses, " << sum.reports << " reports (" << sum.failed_reports
            << " failed) of " << sum.reported_frames << " frames\n";
}

INSTANTIATE_TEST_SUITE_P(, ZoneVsModel, testing::Range(std::size_t{0}, shapes().size()),
                         [](const testing::TestParamInfo<std::size_t>& info) {
                           return shapes()[info.param].name;
                         });

// --shape, --seed and --ops: performs only this run.
int run_once(int argc, char** argv) {
  const Shape* shape = nullptr;
  std::uint64_t seed = 0, ops = kOperationsPerSeed;
  for (int i = 1; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (std::strcmp(argv[i], "--shape") == 0) {
      shape = find_shape(value);
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      seed = number(value, "--seed");
    } else if (std::strcmp(argv[i], "--ops") == 0) {
      ops = number(value, "--ops");
    } else {
      std::cerr << "model_test: unknown option " << argv[i] << "\n";
      return 2;
    }
  }
  if (shape == nullptr) {
    std::cerr << "model_test: --shape must be one of";
    for (const Shape& s : shapes()) std::cerr << " " << s.name;
    std::cerr << "\n";
    return 2;
  }
  Machine::Tally tally;
  return passes(*shape, seed, ops, &tally) ? 0 : 1;
}

}  // namespace
}  // namespace fallow::model

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGTERM}) {
    std::signal(signal, fallow::model::say_what_was_running);
  }
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) return fallow::model::run_once(argc, argv);
  return RUN_ALL_TESTS();
}
