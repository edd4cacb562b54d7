// A recorded trace as a boot module. The host writes this compact format; the guest reads it without
// allocating.
//
// A header of 40 bytes, little-endian:
//     0  "FALLOWTM"
//     8  u32 version, 1
//    12  u32 slots: the maximum number of live allocations; every slot number is below this
//    16  u64 events
//    24  u64 duration: microseconds from the start to the last event
//    32  u64 size in bytes of the events that follow
// An event:
//     u8      bit 7: free; bit 6: time has passed; bits 5 and 4: mobility; bits 3 to 0: order. Mobility and
//             order are 0 in a free.
//     varint  microseconds since the previous event, if bit 6 is set
//     varint  slot: identifies the allocation until it is freed
// A varint has seven bits a byte, least significant first; bit 7 is set in every byte except the last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/callback.h"
#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"

namespace fallow::guest {

struct TraceModuleEvent {
  std::uint64_t time_us = 0;  // since the start of the trace
  bool free = false;
  Order order;  // order and mobility are set for an allocation only
  Mobility mobility = Mobility::Movable;
  std::uint32_t slot = 0;
};

namespace trace_module {

inline constexpr char kMagic[] = "FALLOWTM";
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeaderSize = 40;
inline constexpr unsigned kFreeBit = 0x80, kTimeBit = 0x40;
inline constexpr std::size_t kLongestEvent = 1 + 10 + 5;

constexpr void put(std::byte* at, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}
constexpr std::uint64_t get(const std::byte* at, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = size; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  return value;
}

}  // namespace trace_module

// Reads an untrusted module. Never reads beyond its end and always terminates. Copies are cheap, so several
// CPUs can read one module.
class TraceModuleReader {
 public:
  // Parses the header; error() is null if the header is valid.
  explicit constexpr TraceModuleReader(std::span<const std::byte> module) noexcept { open(module); }

  std::uint32_t slots() const noexcept { return slots_; }
  std::uint64_t events() const noexcept { return events_; }
  std::uint64_t duration_us() const noexcept { return duration_us_; }

  // Reads the next event. Returns false at the end, and at an invalid event, where error() is not null.
  constexpr bool next(TraceModuleEvent* event) noexcept;

  // The error, or null.
  const char* error() const noexcept { return error_; }
  // The number of events read.
  std::uint64_t position() const noexcept { return read_; }

 private:
  constexpr void open(std::span<const std::byte> module) noexcept;
  constexpr bool varint(std::uint64_t most, std::uint64_t* value) noexcept;
  constexpr bool fail(const char* why) noexcept {
    error_ = why;
    return false;
  }

  std::span<const std::byte> left_;
  std::uint64_t events_ = 0, read_ = 0, duration_us_ = 0, time_us_ = 0;
  std::uint32_t slots_ = 0;
  const char* error_ = nullptr;
};

constexpr void TraceModuleReader::open(std::span<const std::byte> module) noexcept {
  using trace_module::get, trace_module::kHeaderSize, trace_module::kMagic, trace_module::kVersion;
  if (module.empty()) return static_cast<void>(fail("there is no boot module"));
  if (module.size() < kHeaderSize)
    return static_cast<void>(fail("it is shorter than the header of 40 bytes"));
  for (std::size_t i = 0; i < sizeof(kMagic) - 1; ++i) {
    if (module[i] != static_cast<std::byte>(kMagic[i]))
      return static_cast<void>(fail("it does not start with FALLOWTM"));
  }
  if (get(module.data() + 8, 4) != kVersion) return static_cast<void>(fail("its version is not 1"));
  const std::uint64_t size = get(module.data() + 32, 8);
  if (size > module.size() - kHeaderSize) return static_cast<void>(fail("it ends before its events do"));
  left_ = module.subspan(kHeaderSize, size);
  slots_ = static_cast<std::uint32_t>(get(module.data() + 12, 4));
  events_ = get(module.data() + 16, 8);
  duration_us_ = get(module.data() + 24, 8);
  // An event takes at least two bytes, and every slot is allocated at least once.
  if (events_ > size / 2) return static_cast<void>(fail("it claims more events than it holds"));
  if (slots_ > events_) return static_cast<void>(fail("it claims more slots than events"));
}

constexpr bool TraceModuleReader::varint(std::uint64_t most, std::uint64_t* value) noexcept {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
    const std::uint64_t byte = std::to_integer<std::uint64_t>(left_.front());
    left_ = left_.subspan(1);
    if (shift == 63 && byte > 1) return false;
    *value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return *value <= most;
  }
  return false;
}

constexpr bool TraceModuleReader::next(TraceModuleEvent* event) noexcept {
  if (error_ != nullptr || read_ == events_) return false;
  if (left_.empty()) return fail("an event is missing");
  const unsigned head = std::to_integer<unsigned>(left_.front());
  left_ = left_.subspan(1);
  const unsigned mobility = head >> 4 & 3, order = head & 15;
  event->free = (head & trace_module::kFreeBit) != 0;
  if (event->free && (mobility != 0 || order != 0)) return fail("a free has an order");
  if (mobility >= kMobilities || order > kMaxOrder.raw) return fail("an order or a mobility is out of range");
  event->order = {static_cast<std::uint8_t>(order)};
  event->mobility = static_cast<Mobility>(mobility);
  std::uint64_t passed = 0, slot = 0;
  if ((head & trace_module::kTimeBit) != 0 && !varint(~std::uint64_t{0} - time_us_, &passed))
    return fail("a time is out of range");
  if (slots_ == 0 || !varint(slots_ - 1, &slot)) return fail("a slot is out of range");
  time_us_ += passed;
  event->time_us = time_us_;
  event->slot = static_cast<std::uint32_t>(slot);
  ++read_;
  return true;
}

// Writes a module: the events as they come, and at the end the header, which precedes them in the file.
//
//   TraceModuleWriter writer({sink, &bytes});
//   writer.allocate(us, order, mobility, slot);  writer.free(us, slot);  ...
//   file << writer.header() << bytes;
//
// The caller assigns the slots. The smallest number that no live allocation has is best; there must not be
// more slots than events. A time that goes backwards counts as no time.
class TraceModuleWriter {
 public:
  using Sink = Callback<void(std::span<const std::byte> bytes)>;

  explicit TraceModuleWriter(Sink sink) noexcept : sink_(sink) {}

  void allocate(std::uint64_t time_us, Order order, Mobility mobility, std::uint32_t slot) {
    write(static_cast<unsigned>(mobility) << 4 | order.raw, time_us, slot);
  }
  void free(std::uint64_t time_us, std::uint32_t slot) { write(trace_module::kFreeBit, time_us, slot); }

  // The header for the events written so far.
  std::array<std::byte, trace_module::kHeaderSize> header() const noexcept {
    using trace_module::kMagic, trace_module::put;
    std::array<std::byte, trace_module::kHeaderSize> bytes{};
    for (std::size_t i = 0; i < sizeof(kMagic) - 1; ++i) bytes[i] = static_cast<std::byte>(kMagic[i]);
    put(bytes.data() + 8, trace_module::kVersion, 4);
    put(bytes.data() + 12, slots_, 4);
    put(bytes.data() + 16, events_, 8);
    put(bytes.data() + 24, time_us_, 8);
    put(bytes.data() + 32, size_, 8);
    return bytes;
  }

  std::uint64_t events() const noexcept { return events_; }
  std::uint32_t slots() const noexcept { return slots_; }

 private:
  void write(unsigned head, std::uint64_t time_us, std::uint32_t slot) {
    std::array<std::byte, trace_module::kLongestEvent> bytes{};
    std::size_t n = 1;
    const auto varint = [&](std::uint64_t value) {
      for (; value >= 0x80; value >>= 7) bytes[n++] = static_cast<std::byte>((value & 0x7f) | 0x80);
      bytes[n++] = static_cast<std::byte>(value);
    };
    if (time_us > time_us_) {
      head |= trace_module::kTimeBit;
      varint(time_us - time_us_);
      time_us_ = time_us;
    }
    varint(slot);
    bytes[0] = static_cast<std::byte>(head);
    sink_(std::span(bytes).first(n));
    size_ += n;
    ++events_;
    if (slot >= slots_) slots_ = slot + 1;
  }

  const Sink sink_;
  std::uint64_t events_ = 0, size_ = 0, time_us_ = 0;
  std::uint32_t slots_ = 0;
};

}  // namespace fallow::guest
