#include "vhost_user/daemon/inflight_area.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "vhost_user/session/ordered_store.h"

namespace fallow::vhost {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint16_t kVersion = 1;
// Chains that may have reached the ring but not the area when a back-end died. This back-end records each
// chain by itself.
constexpr std::uint16_t kBatch = 1;

// acquire: MO-28, pairs with ordered_store() in the back-end that used the area before.
template <class T>
T load(T& cell) noexcept {
  return std::atomic_ref<T>(cell).load(std::memory_order_acquire);
}

}  // namespace

struct InflightArea::Descriptor {  // DescStateSplit
  std::uint8_t inflight;
  std::uint8_t padding[5];
  std::uint16_t next;
  std::uint64_t counter;
};

struct InflightArea::Queue {  // QueueRegionSplit
  std::uint64_t features;
  std::uint16_t version;
  std::uint16_t desc_num;
  std::uint16_t last_batch_head;
  std::uint16_t used_idx;
};

namespace {

constexpr std::uint64_t kHead = 16, kEach = 16;
constexpr std::uint64_t stride(std::uint16_t queue_size) noexcept {
  constexpr std::uint64_t kLine = 64;
  return (kHead + kEach * queue_size + kLine - 1) / kLine * kLine;
}

}  // namespace

std::uint64_t InflightArea::size(std::uint16_t queues, std::uint16_t queue_size) noexcept {
  static_assert(sizeof(Descriptor) == kEach && offsetof(Descriptor, counter) == 8 && sizeof(Queue) == kHead);
  return stride(queue_size) * queues;
}

Status InflightArea::make(InflightSettings& inflight) noexcept {
  const std::uint64_t bytes =
      (size(inflight.area.queues, inflight.area.queue_size) + kPage - 1) / kPage * kPage;
  const int fd = memfd_create("fallow-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return Status::NoMemory;
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    close(fd);
    return Status::NoMemory;
  }
  inflight.area.mmap_size = bytes;
  inflight.area.mmap_offset = 0;
  inflight.fd = fd;
  return Status::Ok;
}

Expected<InflightArea> InflightArea::open(const InflightSettings& inflight) {
  const InflightDescription& area = inflight.area;
  struct stat file {};
  if (fstat(inflight.fd, &file) != 0 || !S_ISREG(file.st_mode))
    return std::string("the in-flight area is not a regular file");
  const auto reach = static_cast<std::uint64_t>(file.st_size);
  if (area.queues == 0 || area.queue_size == 0 || area.mmap_size < size(area.queues, area.queue_size) ||
      area.mmap_offset > reach || area.mmap_size > reach - area.mmap_offset) {
    return "the in-flight area of " + std::to_string(area.mmap_size) + " bytes at offset " +
           std::to_string(area.mmap_offset) + " is too small for " + std::to_string(area.queues) +
           " queues of " + std::to_string(area.queue_size) + " entries, or exceeds its file of " +
           std::to_string(reach) + " bytes";
  }
  const std::uint64_t shift = area.mmap_offset % kPage;
  // Maps only the part that is used, because the front-end chooses the size of the area.
  auto mapping = detail::GuardedMapping::create(inflight.fd, {area.mmap_offset - shift},
                                                {size(area.queues, area.queue_size) + shift});
  if (!mapping) return mapping.error;
  if (shift % alignof(Queue) != 0)
    return "the in-flight area at offset " + std::to_string(area.mmap_offset) + " is not " +
           std::to_string(alignof(Queue)) + "-byte aligned";
  return std::unique_ptr<InflightArea>(new InflightArea(std::move(mapping.object), inflight, shift));
}

InflightArea::InflightArea(std::unique_ptr<detail::GuardedMapping> mapping, const InflightSettings& inflight,
                           std::size_t shift) noexcept
    : mapping_(std::move(mapping)),
      begin_(mapping_->memory() + shift),
      queues_(inflight.area.queues),
      queue_size_(inflight.area.queue_size) {}

InflightArea::Queue* InflightArea::queue(std::uint16_t queue) const noexcept {
  if (queue >= queues_) return nullptr;
  return reinterpret_cast<Queue*>(begin_ + stride(queue_size_) * queue);
}

InflightArea::Descriptor* InflightArea::descriptor(std::uint16_t queue, std::uint16_t id) const noexcept {
  if (queue >= queues_ || id >= queue_size_) return nullptr;
  return reinterpret_cast<Descriptor*>(begin_ + stride(queue_size_) * queue + kHead) + id;
}

std::vector<std::uint16_t> InflightArea::owed(std::uint16_t index, std::uint16_t size,
                                              std::uint16_t used) noexcept {
  Queue* const region = queue(index);
  if (region == nullptr) return {};
  // Entries written for a ring of another size or used index do not apply to this ring.
  const auto ahead = static_cast<std::uint16_t>(used - load(region->used_idx));
  if (load(region->version) != kVersion || load(region->desc_num) != size || ahead > kBatch) {
    forget(index);
    ordered_store(region->desc_num, size);
    ordered_store(region->used_idx, used);
    ordered_store(region->version, kVersion);
    return {};
  }
  if (ahead != 0) {
    if (Descriptor* const last = descriptor(index, load(region->last_batch_head)); last != nullptr)
      ordered_store(last->inflight, std::uint8_t{0});
    ordered_store(region->used_idx, used);
  }
  std::vector<std::pair<std::uint64_t, std::uint16_t>> found;
  for (std::uint16_t id = 0; id < size && id < queue_size_; ++id) {
    Descriptor& each = *descriptor(index, id);
    if (load(each.inflight) == 0) continue;
    const std::uint64_t counter = load(each.counter);
    counter_ = std::max(counter_, counter + 1);
    found.emplace_back(counter, id);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::uint16_t> ids;
  ids.reserve(found.size());
  for (const auto& [counter, id] : found) ids.push_back(id);
  return ids;
}

// Stores the version last: an area of version 0 is initialised when the queue begins.
void InflightArea::forget(std::uint16_t index) noexcept {
  Queue* const region = queue(index);
  if (region == nullptr) return;
  for (std::uint16_t id = 0; id < queue_size_; ++id)
    ordered_store(descriptor(index, id)->inflight, std::uint8_t{0});
  ordered_store(region->version, std::uint16_t{0});
}

void InflightArea::taken(std::uint16_t index, const Chain& chain, QueuePosition) noexcept {
  Descriptor* const each = descriptor(index, chain.id);
  if (each == nullptr) return;
  ordered_store(each->counter, counter_++);
  ordered_store(each->inflight, std::uint8_t{1});
}

void InflightArea::returning(std::uint16_t index, std::uint16_t id, std::uint16_t) noexcept {
  if (Queue* const region = queue(index); region != nullptr) ordered_store(region->last_batch_head, id);
}

void InflightArea::returned(std::uint16_t index, std::uint16_t id, QueuePosition position) noexcept {
  if (Descriptor* const each = descriptor(index, id); each != nullptr)
    ordered_store(each->inflight, std::uint8_t{0});
  if (Queue* const region = queue(index); region != nullptr)
    ordered_store(region->used_idx, position.next_used);
}

}  // namespace fallow::vhost
