// Boots the guest image in a real QEMU without `fallow boot`: panics, other loaders and other devices.
// Skipped if the programs are missing.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/cli_process.h"

namespace fallow {
namespace {

struct Outcome {
  int status = -1;
  std::string output;
  std::vector<nlohmann::json> events;

  // Returns the first event with that name, or null.
  nlohmann::json event(const std::string& name) const {
    for (const nlohmann::json& e : events) {
      if (e.at("event") == name) return e;
    }
    return nullptr;
  }
};

// The exit statuses of QEMU with `exit=debug`.
constexpr int kVerdictOk = 1, kPanic = 5;

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    outcome.output.append(buffer, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  std::istringstream lines(outcome.output);
  const std::string head = "fallow: ";
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(head, 0) == 0) outcome.events.push_back(nlohmann::json::parse(line.substr(head.size())));
  }
  return outcome;
}

bool have(const std::string& program) { return run("command -v " + program).status == 0; }

Outcome run_qemu(const std::string& options) {
  return run(
      "timeout 100 qemu-system-x86_64 -accel tcg -nodefaults -display none -serial stdio -no-reboot "
      "-device isa-debug-exit,iobase=0xf4,iosize=4 " +
      options);
}

Outcome boot(const std::string& options, const std::string& words) {
  return run_qemu(options + " -kernel " FALLOW_GUEST_IMAGE " -append 'exit=debug " + words + "'");
}

class GuestMachine : public testing::Test {
 protected:
  void SetUp() override {
    if (!have("qemu-system-x86_64")) GTEST_SKIP() << "no qemu-system-x86_64";
  }
};

TEST_F(GuestMachine, AFailedCheckSaysWhatAndWhere) {
  const Outcome outcome = boot("-machine q35 -m 64 -smp 3", "panic=check");
  ASSERT_EQ(outcome.status, kPanic) << outcome.output;
  const nlohmann::json event = outcome.event("panic");
  EXPECT_EQ(event.at("what"), "sound");
  EXPECT_EQ(event.at("where").get<std::string>().find("guest/x86/panic_selftest.cc:"), 0u);
  EXPECT_NE(outcome.output.find("called from 0x"), std::string::npos);
  EXPECT_NE(outcome.output.find("rip 0x"), std::string::npos);
}

TEST_F(GuestMachine, AnExceptionSaysWhichAndWhere) {
  struct Case {
    const char *word, *what, *address;
  };
  // Page 0, the image's text and its data have the correct access rights, and a stack overflow hits a guard
  // page.
  for (const Case& c : {Case{"null", "page fault", "0x10"}, Case{"text", "page fault", nullptr},
                        Case{"data", "page fault", nullptr}, Case{"stack", "double fault", nullptr},
                        Case{"opcode", "invalid opcode", nullptr}}) {
    const Outcome outcome = boot("-machine pc -m 64 -smp 2", std::string("panic=") + c.word);
    ASSERT_EQ(outcome.status, kPanic) << c.word << '\n' << outcome.output;
    const nlohmann::json event = outcome.event("panic");
    EXPECT_EQ(event.at("what"), c.what) << c.word;
    EXPECT_TRUE(event.contains("rip")) << c.word;
    if (c.address != nullptr) {
      EXPECT_EQ(event.at("address"), c.address) << c.word;
    }
  }
}

TEST_F(GuestMachine, ManyProcessorsComeUp) {
  for (const char* machine : {"pc", "q35", "microvm"}) {
    const Outcome outcome =
        boot(std::string("-machine ") + machine + " -m 256 -smp 16", "workload=idle seconds=1");
    ASSERT_FALSE(outcome.event("boot").is_null()) << outcome.output;
    EXPECT_EQ(outcome.event("boot").at("cpus"), 16) << machine;
  }
}

TEST_F(GuestMachine, MemoryAbove4GibIsReached) {
  const Outcome outcome = boot(
      "-machine q35,memory-backend=m -object memory-backend-ram,id=m,size=40G,reserve=off -m 40G -smp 2 "
      "-device virtio-balloon-pci,free-page-reporting=on",
      "workload=idle seconds=1");
  if (outcome.output.find("cannot set up guest memory") != std::string::npos) GTEST_SKIP() << outcome.output;
  ASSERT_EQ(outcome.status, kVerdictOk) << outcome.output;
  EXPECT_GT(outcome.event("verdict").at("reported_mib").get<int>(), 39 * 1024);
}

// Next to a device of 4 GiB, the firmware places every 64-bit BAR above 4 GiB.
TEST_F(GuestMachine, ABarAbove4GibIsMapped) {
  const Outcome outcome = boot(
      "-machine q35 -m 256 -object memory-backend-ram,id=big,size=4G,share=on,reserve=off "
      "-device ivshmem-plain,memdev=big -device virtio-balloon-pci,free-page-reporting=on",
      "workload=idle seconds=1");
  ASSERT_EQ(outcome.status, kVerdictOk) << outcome.output;
}

// An interrupt line above 15, served by the second I/O APIC of a microvm with ACPI.
TEST_F(GuestMachine, ALineOfTheSecondIoApicInterrupts) {
  const Outcome outcome = boot(
      "-machine microvm -m 128 -global virtio-mmio.force-legacy=false "
      "-device virtio-balloon-device,free-page-reporting=on",
      "workload=idle seconds=1 virtio_mmio.device=512@0xfeb02e00:47");
  ASSERT_EQ(outcome.status, kVerdictOk) << outcome.output;
  EXPECT_EQ(outcome.event("device").at("interrupts"), "line");
}

TEST_F(GuestMachine, ABalloonBehindABridgeIsFound) {
  const Outcome outcome = boot(
      "-machine pc -m 128 -device pci-bridge,id=b,chassis_nr=1 "
      "-device virtio-balloon-pci,bus=b,addr=3,free-page-reporting=on",
      "workload=idle seconds=1");
  ASSERT_EQ(outcome.status, kVerdictOk) << outcome.output;
  EXPECT_NE(outcome.event("device").at("place"), "00:03.0");
}

// QEMU's entropy device has MSI-X, unlike its balloon. With one vector both kinds of interrupts share it.
TEST_F(GuestMachine, ADeviceInterruptsByMessages) {
  for (const std::string machine : {"pc", "q35"}) {
    for (const auto& [vectors, interrupts] : {std::pair{"2", "msi-x"}, {"1", "msi-x"}, {"0", "intx"}}) {
      const Outcome outcome =
          boot("-machine " + machine + " -m 64 -device virtio-rng-pci,vectors=" + vectors +
                   " -device virtio-balloon-pci,free-page-reporting=on",
               "workload=idle seconds=1 entropy=check");
      const nlohmann::json event = outcome.event("entropy");
      ASSERT_FALSE(event.is_null()) << outcome.output;
      EXPECT_EQ(event.at("interrupts"), interrupts) << machine;
      EXPECT_EQ(event.at("bytes"), 64) << machine << ", vectors: " << vectors;
      EXPECT_TRUE(event.at("called")) << machine << ", vectors: " << vectors;
      EXPECT_EQ(outcome.status, kVerdictOk) << outcome.output;
    }
  }
}

TEST_F(GuestMachine, GrubBootsItByMultiboot2) {
  for (const char* program : {"grub-mkrescue", "xorriso", "mformat"}) {
    if (!have(program)) GTEST_SKIP() << "no " << program;
  }
  const ScratchFolder scratch;
  const std::string tree = scratch.path("tree"), image = scratch.path("cd.iso");
  ASSERT_EQ(
      run("mkdir -p " + tree + "/boot/grub && cp " FALLOW_GUEST_IMAGE " " + tree + "/boot/guest.elf").status,
      0);
  const std::string menu = scratch.file("grub.cfg",
                                        "set timeout=0\n"
                                        "menuentry guest {\n"
                                        "  multiboot2 /boot/guest.elf workload=fill seed=3 exit=debug\n"
                                        "}\n");
  const Outcome made =
      run("cp " + menu + " " + tree + "/boot/grub/ && grub-mkrescue -o " + image + " " + tree);
  if (made.status != 0) GTEST_SKIP() << made.output;

  const Outcome outcome = run_qemu(
      "-machine q35 -m 256 -smp 2 -device virtio-balloon-pci,free-page-reporting=on -cdrom " + image);
  ASSERT_EQ(outcome.status, kVerdictOk) << outcome.output;
  EXPECT_EQ(outcome.event("boot").at("loader"), "multiboot2");
  EXPECT_EQ(outcome.event("verdict").at("verdict"), "ok");
}

}  // namespace
}  // namespace fallow
