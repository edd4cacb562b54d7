#include "vhost_user/daemon/guest_memory_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "fallow/balloon/device/detail/inflated_pages.h"
#include "fallow/host/detail/system_error.h"

namespace fallow::vhost {
namespace {

bool same(const MemoryRegion& a, const MemoryRegion& b) {
  return a.fd == b.fd && a.at.guest_address == b.at.guest_address && a.at.size == b.at.size &&
         a.at.mmap_offset == b.at.mmap_offset;
}

std::string name_of(const Region& at) {
  char text[96];
  std::snprintf(text, sizeof text, "the region of 0x%" PRIx64 " bytes at 0x%" PRIx64, at.size,
                at.guest_address);
  return text;
}

}  // namespace

Expected<GuestMemoryFiles> GuestMemoryFiles::create(std::span<const MemoryRegion> regions, DiscardGate& gate,
                                                    const GuestMemoryFiles* before) {
  std::unique_ptr<GuestMemoryFiles> made(new GuestMemoryFiles);
  for (const MemoryRegion& at : regions) {
    if (std::string error = made->add(at, gate, before); !error.empty()) return error;
  }
  std::vector<MappedRegion> mapped;
  for (const Region& region : made->regions_) {
    FileBacking& file = *region.file->file();
    const GuestPhys base{region.at.at.guest_address};
    mapped.push_back(
        {{base, bytes(file.size()), file.address(file.first())}, region.file.get(), file.first()});
  }
  if (made->map_.assign(mapped) != Status::Ok)
    return std::string("the regions do not consist of whole pages, or overlap");
  made->word_count_ = detail::InflatedPages::words(made->map_);
  made->words_.reset(static_cast<std::uint64_t*>(std::calloc(made->word_count_, sizeof(std::uint64_t))));
  if (made->words_ == nullptr && made->word_count_ != 0) {
    return "allocating " + detail::size_text({made->word_count_ * sizeof(std::uint64_t)}) +
           " to track which pages of " + detail::size_text(made->size()) + " are in the balloon failed";
  }
  return made;
}

std::string GuestMemoryFiles::add(const MemoryRegion& at, DiscardGate& gate, const GuestMemoryFiles* before) {
  if (at.at.guest_address % kFrameSize != 0 || at.at.size % kFrameSize != 0)
    return name_of(at.at) + " does not consist of whole pages";
  if (before != nullptr) {
    const auto known = std::find_if(before->regions_.begin(), before->regions_.end(),
                                    [&](const Region& region) { return same(region.at, at); });
    if (known != before->regions_.end()) {
      regions_.push_back({at, std::make_unique<GatedFile>(gate, known->file->file())});
      return {};
    }
  }
  auto file = FileBacking::create(at.fd, {at.at.mmap_offset}, {at.at.size});
  if (!file) return name_of(at.at) + ": " + file.error;
  regions_.push_back({at, std::make_unique<GatedFile>(gate, std::move(file.object))});
  return {};
}

bool GuestMemoryFiles::lost() const noexcept {
  return std::any_of(regions_.begin(), regions_.end(),
                     [](const Region& r) { return r.file->file()->lost(); });
}

ByteCount GuestMemoryFiles::size() const noexcept {
  ByteCount sum;
  for (const Region& region : regions_) sum = sum + bytes(region.file->file()->size());
  return sum;
}

// A file may hold more than the regions, and several regions may share one file, which is counted once.
ByteCount GuestMemoryFiles::resident() const noexcept {
  constexpr std::uint64_t kBlock = 512;  // the unit of st_blocks, independent of st_blksize
  std::vector<std::pair<dev_t, ino_t>> seen;
  std::uint64_t sum = 0;
  for (const Region& region : regions_) {
    struct stat file {};
    if (fstat(region.at.fd, &file) != 0) continue;
    const std::pair<dev_t, ino_t> name{file.st_dev, file.st_ino};
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    sum += static_cast<std::uint64_t>(file.st_blocks) * kBlock;
  }
  return {std::min(sum, size().raw)};
}

}  // namespace fallow::vhost
