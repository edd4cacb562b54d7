#include "replay/host_memory.h"

#include <cstring>
#include <utility>

#include "fallow/host/anonymous_backing.h"
#include "fallow/host/memfd_backing.h"

namespace fallow::replay {
namespace {

// Never returns 0. Returns different values for different frames and for two allocations of one frame.
std::uint64_t stamp(Pfn pfn, std::uint32_t serial) {
  return ((std::uint64_t{serial} << 32) ^ pfn.raw) * 0x9e3779b97f4a7c15U;
}

template <class T>
Expected<Backing> as_backing(Expected<T> created) {
  if (!created) return std::move(created.error);
  return std::unique_ptr<Backing>(std::move(created.object));
}

bool is_zero(const std::byte* memory) {
  return memory[0] == std::byte{0} && std::memcmp(memory, memory + 1, kFrameSize - 1) == 0;
}

}  // namespace

Expected<Backing> create_backing(BackingKind kind, bool lazy_free, PfnCount size) {
  if (kind == BackingKind::Memfd) return as_backing(MemfdBacking::create(Pfn{0}, size));
  AnonymousOptions options;
  options.size = size;
  if (lazy_free) options.release = AnonymousOptions::Release::Free;
  if (kind == BackingKind::Thp) options.huge_pages = AnonymousOptions::HugePages::Prefer;
  return as_backing(AnonymousBacking::create(options));
}

HostMemory::HostMemory(Backing& backing, ZeroedArray<std::uint32_t> serials) noexcept
    : backing_(backing), serials_(std::move(serials)) {}

Expected<HostMemory> HostMemory::create(Backing& backing, bool stamps) {
  ZeroedArray<std::uint32_t> serials;
  if (stamps) {
    serials = zeroed_array<std::uint32_t>(backing.size().raw);
    if (serials == nullptr)
      return std::string("cannot allocate the frame stamps of --verify (4 bytes a frame)");
  }
  return std::unique_ptr<HostMemory>(new HostMemory(backing, std::move(serials)));
}

std::uint64_t& HostMemory::first_word(Pfn pfn) const noexcept {
  return *reinterpret_cast<std::uint64_t*>(backing_.address(pfn));
}

void HostMemory::populate(Pfn first, PfnCount n) noexcept {
  for (Pfn p = first; p < first + n; p = p + PfnCount{1}) {
    volatile std::uint64_t& word = first_word(p);
    word = word;
  }
}

void HostMemory::allocated(Pfn first, PfnCount n, bool must_be_zero) noexcept {
  for (Pfn p = first; p < first + n; p = p + PfnCount{1}) {
    if (serials_ == nullptr) {
      first_word(p) = stamp(p, 1);
      continue;
    }
    if (must_be_zero && !is_zero(backing_.address(p))) ++corrupted_;
    if (++last_serial_ == 0) last_serial_ = 1;
    serials_[p.raw] = last_serial_;
    first_word(p) = stamp(p, last_serial_);
  }
}

void HostMemory::freeing(Pfn first, PfnCount n) noexcept {
  if (serials_ == nullptr) return;
  for (Pfn p = first; p < first + n; p = p + PfnCount{1}) {
    check(p);
    serials_[p.raw] = 0;
  }
}

void HostMemory::check_all() noexcept {
  if (serials_ == nullptr) return;
  for (Pfn p{0}; p.raw < backing_.size().raw; p = p + PfnCount{1}) {
    if (serials_[p.raw] != 0) check(p);
  }
}

void HostMemory::check(Pfn pfn) noexcept {
  if (first_word(pfn) != stamp(pfn, serials_[pfn.raw])) ++corrupted_;
}

}  // namespace fallow::replay
