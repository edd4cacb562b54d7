// A guest from its start to its verdict, on a machine in this process, and what it said.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/guest/fake_machine.h"

namespace fallow::guest {

// The events among the lines that were written; each has to be a JSON object.
inline std::vector<nlohmann::json> events_of(const std::string& said) {
  std::vector<nlohmann::json> events;
  std::istringstream lines(said);
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

  // The whole life of the guest. Returns the verdict.
  std::string run(const std::string& command_line) {
    facts.command_line = command_line;
    facts.usable = usable;
    facts.taken = taken;
    Guest* const guest = create_guest(machine, facts, device);
    if (guest != nullptr) run_cpus(*guest);
    return verdict();
  }

  std::vector<nlohmann::json> events() { return events_of(machine.said()); }
  // All events of that name.
  std::vector<nlohmann::json> events(const std::string& name) {
    std::vector<nlohmann::json> found;
    for (const nlohmann::json& event : events()) {
      if (event["event"] == name) found.push_back(event);
    }
    return found;
  }
  // The last event of that name; null when there was none.
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
