// A random program: a zone, its reporter, and the operations of a few threads, as data that can be printed
// and shrunk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fallow/reporting/policy_spec.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/zone/zone.h"
#include "tests/explore/programs/operation.h"

namespace fallow::explore {

struct Hole {
  std::uint64_t first;  // in frames after the zone's base
  std::uint64_t count;
};

struct PolicyChoice {
  PolicyKind kind = PolicyKind::Hwm;
  unsigned order = 9;
  unsigned parameter = 1;  // the threshold, or the age in milliseconds
};
constexpr PolicyChoice hwm(unsigned order, unsigned threshold) { return {PolicyKind::Hwm, order, threshold}; }
constexpr PolicyChoice aged(unsigned order, unsigned age) { return {PolicyKind::Aged, order, age}; }
constexpr PolicyChoice like_linux(unsigned order) { return {PolicyKind::Linux, order, 0}; }

struct DeviceChoice {
  std::uint32_t capacity = 4, depth = 1;
  Content promise = Content::Unknown;
  std::vector<Status> answers = {};      // to the first requests; Ok after the last one
  std::vector<Status> completions = {};  // of held requests that no thread completes; Ok after the last one
};

// An operation before the threads begin, on behalf of one of them.
struct Before {
  unsigned thread;
  Operation operation;
};

struct Program {
  static constexpr unsigned kMaxThreads = 3;

  ZoneConfig zone{{0}, {1024}, 1};
  std::vector<Hole> withheld = {};
  // Without a policy there is no reporter: Operation::Kind::Report isolates and puts back from `order` on.
  std::vector<PolicyChoice> policies = {};
  unsigned order = 9;
  DeviceChoice device = {};
  std::vector<unsigned> owners = {};  // the initial owner of each cache
  std::vector<Before> before = {};
  std::vector<std::vector<Operation>> threads = {};
};

std::size_t operation_count(const Program& program);

// Returns a FALLOW_SCENARIO to be pasted into a file of tests/explore/scenarios/.
std::string to_scenario(const Program& program, const std::string& name, const std::string& shows);

// The body of such a scenario: prepares the world and its threads.
void perform(const Program& program);

}  // namespace fallow::explore
