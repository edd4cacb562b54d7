#include "fallow/host/memfd_backing.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "fallow/host/detail/system_error.h"

namespace fallow {
namespace {

constexpr PfnCount kMostFrames{static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) >> kFrameShift};

// Growing a file beyond the limit does not fail: it kills the process with SIGXFSZ.
bool exceeds_file_size_limit(ByteCount size) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size.raw > limit.rlim_cur;
}

}  // namespace

Expected<MemfdBacking> MemfdBacking::create(Pfn first, PfnCount size, Pages pages) {
  if (size.raw == 0) return std::string("a backing needs at least one frame");
  if (size > kMostFrames || first.raw > ~std::uint64_t{0} - size.raw)
    return std::string("a backing of " + std::to_string(size.raw) + " frames is too large");
  if (pages == Pages::Huge && (first.raw % kHugePage.raw != 0 || size.raw % kHugePage.raw != 0))
    return std::string("a backing of huge pages must begin and end at a multiple of 2 MiB");
  std::unique_ptr<MemfdBacking> made(new MemfdBacking(first, size, pages));
  std::string error = made->open_and_map();
  if (!error.empty()) return error;
  return made;
}

MemfdBacking::~MemfdBacking() {
  if (memory() != nullptr) munmap(memory(), bytes(size()).raw);
  if (fd_ >= 0) close(fd_);
}

std::string MemfdBacking::open_and_map() {
  const ByteCount length = bytes(size());
  const bool huge = page() == kHugePage;
  const std::string what = "creating a memory file of " + detail::size_text(length) +
                           (huge ? " in huge pages (/proc/sys/vm/nr_hugepages)" : "");
  if (exceeds_file_size_limit(length)) return detail::system_error_text(what, "ftruncate", EFBIG);
  fd_ = memfd_create("fallow", MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0U));
  if (fd_ < 0) return detail::system_error_text(what, "memfd_create", errno);
  if (ftruncate(fd_, static_cast<off_t>(length.raw)) != 0)
    return detail::system_error_text(what, "ftruncate", errno);
  // Without the seals, a process that shares the file could shrink it, and the next touch of a frame would
  // raise SIGBUS.
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return detail::system_error_text(what, "fcntl(F_ADD_SEALS)", errno);
  // Without a reservation, the first touch of a huge page that the pool no longer has would raise SIGBUS.
  const int flags = huge ? MAP_SHARED : MAP_SHARED | MAP_NORESERVE;
  void* const mapped = mmap(nullptr, length.raw, PROT_READ | PROT_WRITE, flags, fd_, 0);
  if (mapped == MAP_FAILED) return detail::system_error_text(what, "mmap", errno);
  set_memory(static_cast<std::byte*>(mapped));
  return {};
}

// MADV_DONTNEED would succeed and free nothing: it only unmaps pages that stay in the file.
int MemfdBacking::release(ByteCount offset, ByteCount length) noexcept {
  constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const auto from = static_cast<off_t>(offset.raw);
  return fallocate(fd_, kMode, from, static_cast<off_t>(length.raw)) == 0 ? 0 : errno;
}

Result<PfnCount> MemfdBacking::resident() noexcept {
  struct stat file {};
  if (fstat(fd_, &file) != 0) {
    set_error(errno);
    return Status::Failed;
  }
  constexpr std::uint64_t kBlock = 512;  // the unit of st_blocks, independent of st_blksize
  return whole_frames(ByteCount{static_cast<std::uint64_t>(file.st_blocks) * kBlock});
}

}  // namespace fallow
