#include "guest/x86/serial.h"

#include <cstdint>

#include "guest/x86/cpu.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint16_t kPort = 0x3f8;
constexpr std::uint16_t kInterrupts = kPort + 1, kFifo = kPort + 2, kLineControl = kPort + 3,
                        kModemControl = kPort + 4, kLineStatus = kPort + 5, kScratch = kPort + 7;
constexpr std::uint8_t kDivisorLatch = 0x80, kEightBits = 0x03, kFifoOn = 0x07, kReady = 0x03,
                       kSendEmpty = 0x20;
constexpr unsigned kFifoDepth = 16;
constexpr unsigned kNoLimit = ~0u;

}  // namespace

void Serial::start() noexcept {
  out8(kScratch, 0x5a);
  present_ = in8(kScratch) == 0x5a;
  if (!present_) return;
  out8(kInterrupts, 0);
  out8(kLineControl, kDivisorLatch);
  out8(kPort, 1);
  out8(kInterrupts, 0);
  out8(kLineControl, kEightBits);
  out8(kFifo, kFifoOn);
  out8(kModemControl, kReady);
}

void Serial::write(StringRef text) noexcept {
  if (!enter(kNoLimit)) return;
  put(text);
  // release: pairs with the acquire in enter(); the text is sent before the next text begins.
  busy_.clear(std::memory_order_release);
}

void Serial::write_at_last(StringRef text) noexcept {
  const bool entered = enter(1'000'000);
  put(text);
  // release: pairs with the acquire in enter(), as in write().
  if (entered) busy_.clear(std::memory_order_release);
}

bool Serial::enter(unsigned spins) noexcept {
  // acquire: pairs with the release in write(); the previous text has been sent.
  while (busy_.test_and_set(std::memory_order_acquire)) {
    if (spins != kNoLimit && spins-- == 0) return false;
    pause();
  }
  return true;
}

void Serial::put(StringRef text) noexcept {
  if (!present_) return;
  unsigned room = 0;
  for (const char c : text) {
    while (room == 0) {
      if ((in8(kLineStatus) & kSendEmpty) != 0) {
        room = kFifoDepth;
      } else {
        pause();
      }
    }
    out8(kPort, static_cast<std::uint8_t>(c));
    --room;
  }
}

}  // namespace fallow::guest::x86
