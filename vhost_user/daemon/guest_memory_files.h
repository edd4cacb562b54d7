// The memory of a guest as its front-end shares it: files that are mapped here.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fallow/balloon/device/memory_map.h"
#include "fallow/host/expected.h"
#include "fallow/host/file_backing.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Stands between the device and a file, so that BalloonGuest can release its lock during the call and measure
// the call's duration.
class DiscardGate {
 public:
  virtual Status discard(FileBacking& file, Pfn first, PfnCount n) noexcept = 0;

 protected:
  ~DiscardGate() = default;
};

class GuestMemoryFiles {
 public:
  // Maps each region up to the end of its file. Shares the regions that `before`, which may be null, has
  // already mapped. Fails with the region's name if the file cannot be a guest's memory.
  static Expected<GuestMemoryFiles> create(std::span<const MemoryRegion> regions, DiscardGate& gate,
                                           const GuestMemoryFiles* before);

  const MemoryMap& map() const noexcept { return map_; }
  // Zero-filled words for BalloonDevice::change_memory().
  std::span<std::uint64_t> inflated_words() noexcept { return {words_.get(), word_count_}; }

  // A file became shorter and was touched beyond its new end. Thread-safe.
  bool lost() const noexcept;
  // Bytes of the regions, and how many of them the files hold at present; one system call for each region.
  ByteCount size() const noexcept;
  ByteCount resident() const noexcept;

 private:
  class GatedFile final : public MemoryBacking {
   public:
    GatedFile(DiscardGate& gate, std::shared_ptr<FileBacking> file) : gate_(gate), file_(std::move(file)) {}
    Status discard(Pfn first, PfnCount n) noexcept override { return gate_.discard(*file_, first, n); }
    Status populate(Pfn first, PfnCount n) noexcept override { return file_->populate(first, n); }
    Result<PfnCount> resident() noexcept override { return file_->resident(); }
    Content content_after() const noexcept override { return file_->content_after(); }
    PfnCount page() const noexcept override { return file_->page(); }
    const std::shared_ptr<FileBacking>& file() const noexcept { return file_; }

   private:
    DiscardGate& gate_;
    std::shared_ptr<FileBacking> file_;
  };
  struct Region {
    MemoryRegion at;
    std::unique_ptr<GatedFile> file;
  };

  GuestMemoryFiles() = default;
  std::string add(const MemoryRegion& at, DiscardGate& gate, const GuestMemoryFiles* before);

  std::vector<Region> regions_;
  MemoryMap map_;
  // From the C library: the kernel fills the pages with zeroes on first touch, and failure is a null pointer.
  // Both matter, because the front-end chooses the size.
  struct Freed {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint64_t[], Freed> words_;
  std::size_t word_count_ = 0;
};

}  // namespace fallow::vhost
