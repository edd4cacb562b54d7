#include "fallow/host/detail/guarded_mapping.h"

#include <signal.h>
#include <sys/mman.h>

#include <cerrno>
#include <mutex>

#include "fallow/base/check.h"
#include "fallow/host/detail/system_error.h"

namespace fallow::detail {
namespace {

// The table that the handler reads. The handler may interrupt anything, so it takes no lock. `begin`
// publishes a slot and is stored last; a mapping is touched only between its publication and its withdrawal.
// A thread that touches a mapping has its address from create(), and therefore sees its slot. The memory
// orders protect handlers of bus errors in other memory, which may read a slot that is being filled.
struct Slot {
  std::atomic<std::byte*> begin{nullptr};  // null: the slot is free
  std::atomic<std::size_t> length{0};
  std::atomic<bool> lost{false};
};

Slot slots[GuardedMapping::kMost];
std::atomic<std::size_t> used_slots{0};  // slots from this index on were never used
std::mutex taking;                       // guards the allocation of slots, and the handler's installation
struct sigaction before;

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  // The access repeats on return, and then behaves as it does without a handler.
  ::signal(SIGBUS, SIG_DFL);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  // acquire: pairs with create(); a slot is published before it is counted.
  const std::size_t count = used_slots.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    // acquire: pairs with create(); the length belongs to this start address, or to a later one.
    std::byte* const memory = slots[i].begin.load(std::memory_order_acquire);
    const std::size_t length = slots[i].length.load(std::memory_order_relaxed);
    // Addresses below the mapping wrap to a value beyond any length.
    if (memory == nullptr || at - reinterpret_cast<std::uintptr_t>(memory) >= length) continue;
    slots[i].lost.store(true, std::memory_order_relaxed);
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    if (mmap(memory, length, PROT_READ | PROT_WRITE, kFlags, -1, 0) == memory) {
      errno = error;
      return;
    }
  }
  pass_on(signal, info, context);
}

// Installs the handler once. The caller holds `taking`.
bool install() {
  static bool done = false;
  if (done) return true;
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  done = sigaction(SIGBUS, &action, &before) == 0;
  return done;
}

// Returns the index of a free slot, or kMost. The caller holds `taking`.
std::size_t free_slot() {
  for (std::size_t i = 0; i < GuardedMapping::kMost; ++i) {
    if (slots[i].begin.load(std::memory_order_relaxed) == nullptr) return i;
  }
  return GuardedMapping::kMost;
}

}  // namespace

Expected<GuardedMapping> GuardedMapping::create(int fd, ByteCount offset, ByteCount length) {
  const std::string what = "mapping " + size_text(length) + " of a memory file";
  const std::lock_guard lock(taking);
  if (!install()) return system_error_text(what, "sigaction", errno);
  const std::size_t slot = free_slot();
  if (slot == kMost) return what + " failed: all " + std::to_string(kMost) + " guarded mappings are in use";
  void* const mapped = mmap(nullptr, length.raw, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                            static_cast<off_t>(offset.raw));
  if (mapped == MAP_FAILED) return system_error_text(what, "mmap", errno);
  auto* const begin = static_cast<std::byte*>(mapped);
  slots[slot].lost.store(false, std::memory_order_relaxed);
  slots[slot].length.store(length.raw, std::memory_order_relaxed);
  // release: pairs with the handler's acquire; the length is stored before the start address that publishes
  // it.
  slots[slot].begin.store(begin, std::memory_order_release);
  // release: pairs with the handler's acquire; the slot is published before it is counted.
  if (slot >= used_slots.load(std::memory_order_relaxed))
    used_slots.store(slot + 1, std::memory_order_release);
  return std::unique_ptr<GuardedMapping>(new GuardedMapping(begin, length, slot));
}

GuardedMapping::~GuardedMapping() {
  const std::lock_guard lock(taking);
  // release: pairs with the handler's acquire; the mapping is withdrawn after its last use, and before
  // munmap() lets another mapping reuse its address.
  slots[slot_].begin.store(nullptr, std::memory_order_release);
  FALLOW_CHECK(munmap(memory_, length_.raw) == 0);
}

bool GuardedMapping::lost() const noexcept { return slots[slot_].lost.load(std::memory_order_relaxed); }

}  // namespace fallow::detail
