// From the entry to the verdict.
#include <cstdint>

#include "apps/guest/x86/cpu.h"
#include "apps/guest/x86/serial.h"

namespace fallow::guest::x86 {
namespace {

constinit Serial serial;

}  // namespace

extern "C" [[noreturn]] void start(std::uint32_t magic, std::uint32_t info) noexcept {
  serial.start();
  serial.write(magic == 0 ? "hello from pvh\n" : "hello from multiboot2\n");
  (void)info;
  halt_for_good();
}

}  // namespace fallow::guest::x86
