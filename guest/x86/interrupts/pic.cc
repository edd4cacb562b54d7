#include "guest/x86/interrupts/pic.h"

#include "guest/x86/cpu.h"
#include "guest/x86/interrupts/vectors.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint16_t kFirst = 0x20, kSecond = 0xa0;  // command ports; the next port holds the mask
constexpr std::uint8_t kInitialise = 0x11, kMode8086 = 0x01, kEnd = 0x20;
constexpr std::uint8_t kCascade = 2;

void mask(std::uint8_t line, bool masked) {
  const auto port = static_cast<std::uint16_t>((line < 8 ? kFirst : kSecond) + 1);
  const auto bit = static_cast<std::uint8_t>(1u << (line % 8));
  const std::uint8_t now = in8(port);
  out8(port, static_cast<std::uint8_t>(masked ? now | bit : now & ~bit));
}

}  // namespace

void start_pic() noexcept {
  out8(kFirst, kInitialise);
  out8(kSecond, kInitialise);
  out8(kFirst + 1, VECTOR_PIC);
  out8(kSecond + 1, VECTOR_PIC + 8);
  out8(kFirst + 1, 1 << kCascade);
  out8(kSecond + 1, kCascade);
  out8(kFirst + 1, kMode8086);
  out8(kSecond + 1, kMode8086);
  out8(kFirst + 1, 0xff);
  out8(kSecond + 1, 0xff);
}

void enable_pic_line(std::uint8_t line) noexcept {
  if (line >= 8) mask(kCascade, false);
  mask(line, false);
}

void disable_pic_line(std::uint8_t line) noexcept { mask(line, true); }

void end_of_pic_interrupt(std::uint8_t line) noexcept {
  if (line >= 8) out8(kSecond, kEnd);
  out8(kFirst, kEnd);
}

}  // namespace fallow::guest::x86
