#include "cli/boot/boot_options.h"

#include <fmt/format.h>

#include <array>

#include "cli/options/option_reader.h"
#include "cli/term/format.h"
#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

constexpr std::array<std::pair<const char*, BootGuest>, 2> kGuests = {
    {{"fallow", BootGuest::Fallow}, {"linux", BootGuest::Linux}}};
constexpr std::array<std::pair<const char*, BootMachine>, 3> kMachines = {
    {{"pc", BootMachine::Pc}, {"q35", BootMachine::Q35}, {"microvm", BootMachine::Microvm}}};
constexpr std::array<std::pair<const char*, BootAccelerator>, 2> kAccelerators = {
    {{"tcg", BootAccelerator::Tcg}, {"kvm", BootAccelerator::Kvm}}};

class Interpreter : public OptionReader {
 public:
  using OptionReader::OptionReader;

  // Whole MiB, the unit of QEMU's -m.
  ByteCount memory(const std::optional<std::string>& word, ByteCount otherwise) {
    constexpr ByteCount kLeast{64 << 20}, kMost{std::uint64_t{1} << 40};
    if (!word) return otherwise;
    const auto size = parse_size(*word);
    if (!size || *size < kLeast || *size > kMost || size->raw % (1 << 20) != 0)
      refuse("--memory", *word, "a size in whole MiB from 64M to 1T, such as 256M, 2G or 1.5GiB");
    return size.value_or(otherwise);
  }

  std::optional<ByteCount> fill(const std::optional<std::string>& word, ByteCount memory) {
    if (!word) return {};
    const auto size = parse_size(*word);
    if (!size || size->raw < (1 << 20) || size->raw % (1 << 20) != 0)
      refuse("--fill", *word, "a size in whole MiB, such as 1200M or 3G");
    else if (*size >= memory)
      refuse(fmt::format("--fill {} with a memory of {}: expected less than the memory, or a larger --memory",
                         *word, format_mib(to_mib(memory))));
    return size;
  }

  std::uint64_t seed(const std::optional<std::string>& word, std::uint64_t otherwise) {
    if (!word) return otherwise;
    const auto seed = parse_count(*word);
    if (!seed) refuse("--seed", *word, "a whole number");
    return seed.value_or(otherwise);
  }

  double speed(const std::optional<std::string>& word, double otherwise) {
    constexpr double kLeast = 1e-3, kMost = 1e3;
    if (!word) return otherwise;
    const auto factor = parse_positive(*word);
    if (!factor || *factor < kLeast || *factor > kMost)
      refuse("--speed", *word, "how many times faster than recorded: a number from 0.001 to 1000");
    return factor.value_or(otherwise);
  }

  void input(const char* option, const std::optional<std::string>& word) {
    if (word && word->empty()) refuse(option, *word, "a file");
  }
};

// Rejects options that are valid alone but contradict each other, and options without effect.
void combine(const BootWords& words, BootRequest* request, Interpreter* interpreter) {
  const bool linux_guest = request->guest == BootGuest::Linux;
  if (linux_guest && (!words.kernel || !words.initrd))
    interpreter->refuse(
        "--guest linux: expected --kernel and --initrd too, such as --kernel /boot/vmlinuz-VERSION and an "
        "initrd whose init loads virtio_balloon and sends the events listed in 'man fallow-boot'");
  if (!linux_guest && words.initrd)
    interpreter->refuse(fmt::format(
        "--initrd {}: valid only with --guest linux; for a recorded trace use --trace", *words.initrd));
  if (linux_guest && request->workload != BootWorkload::Fill)
    interpreter->refuse(fmt::format("--workload {} with --guest linux: expected fill, which both guests know",
                                    workload_name(request->workload)));
  if ((request->workload == BootWorkload::Trace) != words.trace.has_value())
    interpreter->refuse(words.trace ? "--trace: valid only with --workload trace"
                                    : "--workload trace: expected --trace FILE too");
  if (words.json && words.json == words.csv)
    interpreter->refuse(fmt::format("--json {0} and --csv {0}: expected two different files", *words.json));

  const auto idle = [&](bool given, const char* option, bool matters, const char* where) {
    if (given && !matters)
      interpreter->refuse(fmt::format("{} has no effect here: it applies to {}", option, where));
  };
  const BootWorkload workload = request->workload;
  const bool fills = workload == BootWorkload::Fill;
  idle(words.fill.has_value(), "--fill", fills || workload == BootWorkload::Fragment,
       "--workload fill and fragment");
  idle(words.hold.has_value(), "--hold", fills, "--workload fill");
  idle(words.seconds.has_value(), "--seconds", !fills && workload != BootWorkload::Trace,
       "workloads that do not end by themselves");
  idle(words.speed.has_value(), "--speed", workload == BootWorkload::Trace, "--workload trace");
  idle(words.seed.has_value(), "--seed", !linux_guest, "--guest fallow");
  idle(words.policy.has_value(), "--policy", !linux_guest, "--guest fallow");
  idle(words.order.has_value(), "--order", !linux_guest, "--guest fallow");
}

}  // namespace

std::optional<BootRequest> interpret(const BootWords& words, std::string* error) {
  constexpr std::uint32_t kMostCpus = 64;
  constexpr std::uint32_t kDaySeconds = 24 * 60 * 60;
  error->clear();
  Interpreter reader(error);
  BootRequest request;
  request.guest = reader.choice<BootGuest>("--guest", words.guest, kGuests, request.guest);
  request.kernel = words.kernel;
  request.initrd = words.initrd;
  request.machine = reader.choice<BootMachine>("--machine", words.machine, kMachines, request.machine);
  request.memory = reader.memory(words.memory, request.memory);
  request.cpus = reader.count("--smp", words.smp, request.cpus, 1, kMostCpus);
  request.packed = words.packed;
  request.indirect = !words.no_indirect;
  request.event_index = !words.no_event_index;
  request.workload = words.trace && !words.workload
                         ? BootWorkload::Trace
                         : reader.choice<BootWorkload>("--workload", words.workload, guest::kWorkloadNames,
                                                       request.workload);
  request.fill = reader.fill(words.fill, request.memory);
  request.hold =
      reader.time("--hold", words.hold, {}, seconds(60 * 60), "300ms or 2s").value_or(request.hold);
  request.duration_s = reader.count("--seconds", words.seconds, request.duration_s, 1, kDaySeconds);
  request.seed = reader.seed(words.seed, request.seed);
  request.trace = words.trace;
  request.speed = reader.speed(words.speed, request.speed);
  request.policy = read_policy(words.policy, &reader);
  request.order.raw =
      static_cast<std::uint8_t>(reader.count("--order", words.order, request.order.raw, 0, kMaxOrder.raw));
  if (words.qemu) request.qemu = *words.qemu;
  request.accelerator =
      reader.choice<BootAccelerator>("--accel", words.accelerator, kAccelerators, request.accelerator);
  request.timeout =
      reader.time("--timeout", words.timeout, milliseconds(100), seconds(kDaySeconds), "30s or 5m")
          .value_or(request.timeout);
  reader.input("--kernel", words.kernel);
  reader.input("--initrd", words.initrd);
  reader.input("--trace", words.trace);
  if (request.qemu.empty()) reader.refuse("--qemu", request.qemu, "a program");
  reader.file("--json", words.json);
  reader.file("--csv", words.csv);
  request.json = words.json;
  request.csv = words.csv;
  request.keep = words.keep;
  request.verbose = words.verbose;
  request.quiet = words.quiet;
  combine(words, &request, &reader);
  if (reader.failed()) return {};
  return request;
}

const char* guest_name(BootGuest guest) { return name_in<BootGuest>(kGuests, guest); }
const char* machine_name(BootMachine machine) { return name_in<BootMachine>(kMachines, machine); }
const char* workload_name(BootWorkload workload) {
  return name_in<BootWorkload>(guest::kWorkloadNames, workload);
}
const char* accelerator_name(BootAccelerator accelerator) {
  return name_in<BootAccelerator>(kAccelerators, accelerator);
}

std::string policy_name(const BootRequest& request) {
  return request.guest == BootGuest::Linux ? "linux" : policy_name(request.policy);
}

}  // namespace fallow::cli
