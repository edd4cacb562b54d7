#include "guest/x86/panic_selftest.h"

#include <cstddef>
#include <cstdint>

#include "fallow/base/check.h"
#include "guest/protocol/command_line.h"

extern "C" std::byte text_begin[];

namespace fallow::guest::x86 {
namespace {

// Recurses deeper than any stack.
[[gnu::noinline]] std::uint64_t go_deeper(std::uint64_t left) {
  volatile std::uint64_t here[64];
  here[0] = left;
  return left == 0 ? 0 : go_deeper(left - 1) + here[0];
}

}  // namespace

void run_panic_selftest(StringRef line) noexcept {
  const volatile bool sound = false;
  if (has_word(line, "panic=check")) FALLOW_CHECK(sound);
  if (has_word(line, "panic=null")) asm volatile("movb 16, %%al" : : : "rax");
  if (has_word(line, "panic=text")) asm volatile("movb $0, (%0)" : : "r"(text_begin) : "memory");
  if (has_word(line, "panic=data")) asm volatile("call *%0" : : "r"(&sound) : "memory");
  if (has_word(line, "panic=stack")) go_deeper(1'000'000);
  if (has_word(line, "panic=opcode")) asm volatile("ud2");
}

}  // namespace fallow::guest::x86
