// The options of `fallow boot`: converts the arguments to values, with an error for each invalid argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/policy_option.h"
#include "fallow/base/units.h"
#include "guest/protocol/workload_names.h"

namespace fallow::cli {

enum class BootGuest : std::uint8_t { Fallow, Linux };
enum class BootMachine : std::uint8_t { Pc, Q35, Microvm };
using BootWorkload = guest::WorkloadKind;
enum class BootAccelerator : std::uint8_t { Tcg, Kvm };

// The arguments as typed; nothing for an option that was not given.
struct BootWords {
  using Word = std::optional<std::string>;
  Word memory{}, smp{}, machine{}, guest{}, kernel{}, initrd{};
  Word workload{}, fill{}, hold{}, seconds{}, seed{}, trace{}, speed{};
  Word policy{}, order{};
  Word qemu{}, accelerator{}, timeout{}, json{}, csv{};
  bool packed = false, no_indirect = false, no_event_index = false;
  bool keep = false, verbose = false, quiet = false;
};

struct BootRequest {
  BootGuest guest = BootGuest::Fallow;
  std::optional<std::string> kernel;  // nothing: the image of this program
  std::optional<std::string> initrd;
  BootMachine machine = BootMachine::Pc;
  ByteCount memory{std::uint64_t{2} << 30};
  std::uint32_t cpus = 1;
  bool packed = false, indirect = true, event_index = true;

  BootWorkload workload = BootWorkload::Fill;
  std::optional<ByteCount> fill;  // nothing: three fifths of the memory
  Nanoseconds hold = milliseconds(300);
  std::uint32_t duration_s = 10;
  std::uint64_t seed = 1;
  std::optional<std::string> trace;
  double speed = 1;
  PolicySpec policy;
  Order order{9};

  std::string qemu = "qemu-system-x86_64";
  BootAccelerator accelerator = BootAccelerator::Tcg;
  Nanoseconds timeout = seconds(60);
  std::optional<std::string> json, csv;  // a path, or "-" for standard output
  bool keep = false, verbose = false, quiet = false;
};

// On failure returns nothing and sets `error` to a sentence that names the option, the value and the expected
// values.
std::optional<BootRequest> interpret(const BootWords& words, std::string* error);

// The names that the options accept.
const char* guest_name(BootGuest guest);
const char* machine_name(BootMachine machine);
const char* workload_name(BootWorkload workload);
const char* accelerator_name(BootAccelerator accelerator);
// "linux" for a Linux guest, whatever the option says.
std::string policy_name(const BootRequest& request);

}  // namespace fallow::cli
