#include "fallow/host/file_backing.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fallow/host/detail/system_error.h"

namespace fallow {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

// Returns the page size of the file in bytes: more than 4096 only on hugetlbfs.
std::uint64_t page_bytes(int fd) {
  struct statfs filesystem {};
  if (fstatfs(fd, &filesystem) != 0 || filesystem.f_type != HUGETLBFS_MAGIC) return kFrameSize;
  return static_cast<std::uint64_t>(filesystem.f_bsize);
}

}  // namespace

FileBacking::FileBacking(int fd, Pfn first, PfnCount size, PfnCount page,
                         std::unique_ptr<detail::GuardedMapping> mapping) noexcept
    : Backing(first, size, page), fd_(fd), mapping_(std::move(mapping)) {
  set_memory(mapping_->memory());
}

Expected<FileBacking> FileBacking::create(int fd, ByteCount offset, ByteCount length) {
  struct stat file {};
  if (fstat(fd, &file) != 0)
    return detail::system_error_text("reading the size of a memory file", "fstat", errno);
  if (!S_ISREG(file.st_mode)) return std::string("the descriptor is not a memory file");
  const std::uint64_t page = page_bytes(fd);
  if (offset.raw % page != 0 || offset.raw > kMostBytes || length.raw > kMostBytes)
    return "offset " + std::to_string(offset.raw) + " and length " + std::to_string(length.raw) +
           " in a memory file: the offset must be a multiple of its page size, " + std::to_string(page) +
           " bytes, and both at most 2^62";
  const auto reach = static_cast<std::uint64_t>(file.st_size);
  const std::uint64_t there = offset.raw < reach ? std::min(length.raw, reach - offset.raw) / page * page : 0;
  if (there == 0)
    return "the memory file of " + std::to_string(reach) + " bytes has no whole page from offset " +
           std::to_string(offset.raw) + " on";
  auto mapping = detail::GuardedMapping::create(fd, offset, {there});
  if (!mapping) return mapping.error;
  return std::unique_ptr<FileBacking>(new FileBacking(fd, {offset.raw >> kFrameShift}, whole_frames({there}),
                                                      whole_frames({page}), std::move(mapping.object)));
}

int FileBacking::release(ByteCount offset, ByteCount length) noexcept {
  constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const auto from = static_cast<off_t>((bytes(PfnCount{first().raw}) + offset).raw);
  return fallocate(fd_, kMode, from, static_cast<off_t>(length.raw)) == 0 ? 0 : errno;
}

// Asks for each page. Seeking from hole to hole would move the file offset that the owner of the file uses.
Result<PfnCount> FileBacking::resident() noexcept {
  constexpr std::uint64_t kPages = 4096;
  unsigned char there[kPages];
  std::uint64_t count = 0;
  for (std::uint64_t at = 0; at < size().raw; at += kPages) {
    const std::uint64_t pages = std::min(kPages, size().raw - at);
    if (mincore(memory() + bytes(PfnCount{at}).raw, bytes(PfnCount{pages}).raw, there) != 0) {
      set_error(errno);
      return Status::Failed;
    }
    count += static_cast<std::uint64_t>(
        std::count_if(there, there + pages, [](unsigned c) { return (c & 1) != 0; }));
  }
  return PfnCount{count};
}

}  // namespace fallow
