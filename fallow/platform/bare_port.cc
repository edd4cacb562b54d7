#include "fallow/platform/bare_port.h"

#include "fallow/base/check.h"

namespace fallow {

// Held for a few dozen instructions, during registration only.
class BarePort::ArenaLock {
 public:
  explicit ArenaLock(BarePort& port) noexcept : port_(port) {
    // acquire: pairs with the release in the destructor, so that this holder sees the arena as the last one
    // left it.
    while (port_.arena_busy_.test_and_set(std::memory_order_acquire)) port_.relax();
  }
  // release: pairs with the acquire in the constructor, so that the next holder sees the arena as this one
  // left it.
  ~ArenaLock() { port_.arena_busy_.clear(std::memory_order_release); }
  ArenaLock(const ArenaLock&) = delete;
  ArenaLock& operator=(const ArenaLock&) = delete;

 private:
  BarePort& port_;
};

BarePort::BarePort(BareHooks hooks, std::span<std::byte> arena) noexcept : hooks_(hooks), arena_(arena) {
  FALLOW_REQUIRE(hooks_.clock != nullptr, "BarePort(): set BareHooks::clock, which returns monotonic time");
  FALLOW_REQUIRE(hooks_.relax != nullptr, "BarePort(): set BareHooks::relax, which pauses the CPU");
  FALLOW_REQUIRE(hooks_.cpu != nullptr, "BarePort(): set BareHooks::cpu, which returns the CPU's number");
}

void* BarePort::allocate(ByteCount size) noexcept {
  const ArenaLock lock(*this);
  return arena_.allocate(size);
}

void BarePort::release(void* memory, ByteCount size) noexcept {
  const ArenaLock lock(*this);
  arena_.release(memory, size);
}

}  // namespace fallow
