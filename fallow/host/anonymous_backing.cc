#include "fallow/host/anonymous_backing.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "fallow/host/detail/system_error.h"

namespace fallow {
namespace {

// Applies the advice to this process. Returns the number of bytes advised, counted from the first run, or
// -1.
long advise(std::span<const iovec> list, int advice) noexcept {
  constexpr int kPidfdSelf = -10000;  // <linux/pidfd.h>: the calling thread, hence its memory
  return syscall(SYS_process_madvise, kPidfdSelf, list.data(), list.size(), advice, 0U);
}

// From <asm-generic/mman-common.h> of Linux 5.18: MADV_DONTNEED that also accepts locked memory, which is
// locked again when it is next touched.
constexpr int kDontNeedLocked = 24;

// Advice on an empty range fails only if the kernel does not know the advice.
bool kernel_releases_locked() { return madvise(nullptr, 0, kDontNeedLocked) == 0; }

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

// The maximum number of frames: frame numbers and addresses stay well below 2^64.
constexpr PfnCount kMostFrames{std::uint64_t{1} << 40};

}  // namespace

AnonymousBacking::AnonymousBacking(const AnonymousOptions& options) noexcept
    : Backing(options.first, options.size),
      options_(options),
      releases_locked_(kernel_releases_locked()),
      takes_lists_(advise({}, advice()) == 0) {}

Expected<AnonymousBacking> AnonymousBacking::create(const AnonymousOptions& options) {
  if (options.size.raw == 0) return std::string("a backing needs at least one frame");
  if (options.size > kMostFrames || options.first.raw > ~std::uint64_t{0} - options.size.raw)
    return std::string("a backing of " + std::to_string(options.size.raw) + " frames is too large");
  std::unique_ptr<AnonymousBacking> made(new AnonymousBacking(options));
  std::string error = made->map();
  if (error.empty()) error = made->set_huge_pages();
  if (!error.empty()) return error;
  return made;
}

AnonymousBacking::~AnonymousBacking() {
  if (reserved_ != nullptr) munmap(reserved_, reserved_size_);
}

std::string AnonymousBacking::map() {
  const ByteCount size = bytes(options_.size);
  const std::string what = "mapping " + detail::size_text(size) + " of private memory";
  // Leaves room to align to a huge page, and for a guard page at each end.
  reserved_size_ = size.raw + kHugePage + 2 * kFrameSize;
  void* const reserved =
      mmap(nullptr, reserved_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return detail::system_error_text(what, "mmap", errno);
  reserved_ = reserved;

  const std::uint64_t lowest = reinterpret_cast<std::uintptr_t>(reserved) + kFrameSize;
  const std::uint64_t wanted = (options_.first.raw << kFrameShift) % kHugePage;
  const std::uint64_t skip = (wanted + kHugePage - lowest % kHugePage) % kHugePage;
  std::byte* const start = static_cast<std::byte*>(reserved) + kFrameSize + skip;
  if (mprotect(start, size.raw, PROT_READ | PROT_WRITE) != 0)
    return detail::system_error_text(what, "mprotect", errno);
  set_memory(start);
  return {};
}

std::string AnonymousBacking::set_huge_pages() {
  const bool wanted = options_.huge_pages == AnonymousOptions::HugePages::Prefer;
  if (madvise(memory(), bytes(size()).raw, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0) return {};
  // A kernel without huge pages rejects both kinds of advice; then there are no huge pages to exclude.
  if (errno == EINVAL && !wanted) return {};
  return detail::system_error_text("setting transparent huge pages", "madvise", errno);
}

int AnonymousBacking::advice() const noexcept {
  if (options_.release == AnonymousOptions::Release::Free) return MADV_FREE;
  return releases_locked_ ? kDontNeedLocked : MADV_DONTNEED;
}

const char* AnonymousBacking::release_call() const noexcept {
  if (options_.release == AnonymousOptions::Release::Free) return "madvise(MADV_FREE)";
  return releases_locked_ ? "madvise(MADV_DONTNEED_LOCKED)" : "madvise(MADV_DONTNEED)";
}

int AnonymousBacking::release(ByteCount offset, ByteCount length) noexcept {
  return madvise(memory() + offset.raw, length.raw, advice()) == 0 ? 0 : errno;
}

// Saves system calls, and also a flush of the processor's address translations after each run.
std::size_t AnonymousBacking::release_first(std::span<const ScatterEntry> runs) noexcept {
  std::array<iovec, kTogether> list;
  for (std::size_t i = 0; i < runs.size(); ++i)
    list[i] = {memory() + bytes(runs[i].first - first()).raw, bytes(runs[i].count).raw};
  const long advised = advise({list.data(), runs.size()}, advice());
  if (advised < 0) return 0;
  // The kernel does not count a run at which it stops.
  std::size_t released = 0;
  for (auto left = static_cast<std::uint64_t>(advised); released < runs.size(); ++released) {
    if (left < list[released].iov_len) break;
    left -= list[released].iov_len;
  }
  return released;
}

Content AnonymousBacking::content_after() const noexcept {
  return options_.release == AnonymousOptions::Release::Free ? Content::Unknown : Content::Zero;
}

// Uses mincore rather than /proc/self/pagemap. Both walk the same page tables and agree on private memory,
// also on pages released with MADV_FREE (present until they are taken). mincore writes one byte a page;
// pagemap writes eight and builds them page by page, which takes 3 to 25 times as long.
Result<PfnCount> AnonymousBacking::resident() noexcept {
  constexpr std::uint64_t kStep = 16384;
  std::array<unsigned char, kStep> in_core;
  PfnCount sum;
  for (PfnCount done; done < size(); done += PfnCount{kStep}) {
    const PfnCount n = std::min(PfnCount{kStep}, size() - done);
    if (mincore(memory() + bytes(done).raw, bytes(n).raw, in_core.data()) != 0) {
      set_error(errno);
      return Status::Failed;
    }
    for (std::uint64_t i = 0; i < n.raw; ++i) sum.raw += in_core[i] & 1u;
  }
  return sum;
}

}  // namespace fallow
