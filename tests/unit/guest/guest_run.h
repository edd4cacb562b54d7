// Runs a guest from its start to its verdict on a FakeMachine, and collects its events.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/guest/fake_machine.h"

namespace fallow::guest {

// Returns the events in the output. Each of them must be a JSON object.
inline std::vector<nlohmann::json> events_of(const std::string& output) {
  std::vector<nlohmann::json> events;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kHead = "fallow: ";
    if (line.compare(0, kHead.size(), kHead) != 0) continue;
    events.push_back(nlohmann::json::parse(line.substr(kHead.size()), nullptr, false));
    EXPECT_TRUE(events.back().is_object()) << line;
  }
  return events;
}

class GuestRun {
 public:
  explicit GuestRun(const FakeMachine::Config& config = {}) : machine(config) {
    facts.loader = "test";
    facts.cpus = config.cpus;
    usable = {{0, 640 << 10}, {1 << 20, config.memory}};
    taken = {{1 << 20, (1 << 20) + 300'000}};
    device = machine.found();
  }

  // Runs the guest to its end and returns the verdict.
  std::string run(const std::string& command_line) {
    facts.command_line = command_line;
    facts.usable = usable;
    facts.taken = taken;
    Guest* const guest = create_guest(machine, facts, device);
    if (guest != nullptr) run_cpus(*guest);
    return verdict();
  }

  std::vector<nlohmann::json> events() { return events_of(machine.output()); }
  // Returns all events with that name.
  std::vector<nlohmann::json> events(const std::string& name) {
    std::vector<nlohmann::json> found;
    for (const nlohmann::json& event : events()) {
      if (event["event"] == name) found.push_back(event);
    }
    return found;
  }
  // Returns the last event with that name, or null.
  nlohmann::json last(const std::string& name) {
    const std::vector<nlohmann::json> found = events(name);
    return found.empty() ? nlohmann::json() : found.back();
  }
  std::string verdict() {
    const nlohmann::json event = last("verdict");
    return event.is_object() ? event["verdict"].get<std::string>() : "";
  }

  FakeMachine machine;
  BootFacts facts;
  FoundDevice device;
  std::vector<MemoryRange> usable, taken;

 private:
  void run_cpus(Guest& guest) {
    std::vector<std::thread> threads;
    std::vector<char> ok(facts.cpus);
    for (std::uint32_t cpu = 1; cpu < facts.cpus; ++cpu) {
      threads.emplace_back(
          [&, cpu] { ok[cpu] = FakeMachine::as_cpu(cpu, [&] { return run_cpu(guest, cpu); }); });
    }
    ok[0] = run_cpu(guest, 0);
    for (std::thread& thread : threads) thread.join();
    for (const char each : ok) EXPECT_EQ(each != 0, verdict() == "ok");
  }
};

}  // namespace fallow::guest
