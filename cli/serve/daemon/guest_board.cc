#include "cli/serve/daemon/guest_board.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "fallow/host/detail/system_error.h"

namespace fallow::cli {
namespace {

// Slots are whole pages, so that each can be unmapped separately.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSlotBytes = (sizeof(GuestSlot) + kPage - 1) / kPage * kPage;
static_assert(sizeof(DaemonFigures) <= kPage);

}  // namespace

Expected<GuestBoard> GuestBoard::create(std::size_t slots) {
  const std::size_t size = kPage + slots * kSlotBytes;
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return detail::system_error_text("the records of guests", "mmap", errno);
  std::unique_ptr<GuestBoard> board(new GuestBoard(static_cast<std::byte*>(memory), size));
  new (memory) DaemonFigures;
  for (std::size_t i = 0; i < slots; ++i) {
    const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) return detail::system_error_text("the records of guests", "eventfd", errno);
    board->event_fds_.push_back(event_fd);
  }
  return board;
}

GuestBoard::~GuestBoard() {
  for (const int event_fd : event_fds_) close(event_fd);
  munmap(memory_, bytes_);
}

// Zero-filled memory is a valid initial slot, so an unused slot costs no memory.
GuestSlot& GuestBoard::slot(std::size_t i) noexcept {
  return *reinterpret_cast<GuestSlot*>(memory_ + kPage + i * kSlotBytes);
}

void GuestBoard::keep_only(std::size_t i) noexcept {
  std::byte* const from = memory_ + kPage + i * kSlotBytes;
  munmap(memory_, static_cast<std::size_t>(from - memory_));
  std::byte* const after = from + kSlotBytes;
  if (after < memory_ + bytes_) munmap(after, static_cast<std::size_t>(memory_ + bytes_ - after));
}

}  // namespace fallow::cli
