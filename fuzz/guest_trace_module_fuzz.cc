// Fuzzes the trace module that the guest replays: any bytes are read, and any events are written. The reader
// must return values in range and in order and must end. Written events must read back unchanged.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fallow/base/check.h"
#include "fuzz/fuzz_input.h"
#include "guest/protocol/trace_module.h"

namespace fallow::guest {
namespace {

using Events = std::vector<TraceModuleEvent>;

bool same(const TraceModuleEvent& a, const TraceModuleEvent& b) {
  return a.time_us == b.time_us && a.free == b.free && a.order == b.order && a.mobility == b.mobility &&
         a.slot == b.slot;
}

class Module {
 public:
  explicit Module(const Events& events) {
    for (const TraceModuleEvent& event : events) {
      if (event.free) {
        writer_.free(event.time_us, event.slot);
      } else {
        writer_.allocate(event.time_us, event.order, event.mobility, event.slot);
      }
    }
  }
  // Whether the caller uses the slots as the writer requires.
  bool proper() const { return writer_.slots() <= writer_.events(); }
  std::vector<std::byte> bytes() const {
    const auto header = writer_.header();
    std::vector<std::byte> all(header.begin(), header.end());
    all.insert(all.end(), events_.begin(), events_.end());
    return all;
  }

 private:
  std::vector<std::byte> events_;
  TraceModuleWriter writer_{{[](void* context, std::span<const std::byte> bytes) {
                               auto& all = *static_cast<std::vector<std::byte>*>(context);
                               FALLOW_CHECK(bytes.size() <= trace_module::kLongestEvent);
                               all.insert(all.end(), bytes.begin(), bytes.end());
                             },
                             &events_}};
};

// Reads to the end, which follows after at least two bytes an event.
Events read_all(TraceModuleReader& reader, std::size_t size) {
  Events events;
  TraceModuleEvent event;
  std::uint64_t time = 0;
  while (reader.next(&event)) {
    FALLOW_CHECK(event.time_us >= time && event.slot < reader.slots());
    FALLOW_CHECK(event.order <= kMaxOrder && static_cast<unsigned>(event.mobility) < kMobilities);
    FALLOW_CHECK(!event.free || event.order.raw == 0);
    time = event.time_us;
    events.push_back(event);
    FALLOW_CHECK(reader.position() == events.size() && events.size() <= size / 2);
  }
  FALLOW_CHECK((reader.error() == nullptr) == (reader.position() == reader.events()) ||
               reader.position() == 0);
  FALLOW_CHECK(!reader.next(&event) && reader.position() == events.size());
  return events;
}

void check_comes_back(const Events& events) {
  const Module module(events);
  const std::vector<std::byte> bytes = module.bytes();
  TraceModuleReader reader(bytes);
  if (!module.proper()) {
    FALLOW_CHECK(reader.error() != nullptr);
    return;
  }
  FALLOW_CHECK(reader.error() == nullptr && reader.events() == events.size());
  FALLOW_CHECK(reader.duration_us() == (events.empty() ? 0 : events.back().time_us));
  const Events again = read_all(reader, bytes.size());
  FALLOW_CHECK(reader.error() == nullptr && again.size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i) FALLOW_CHECK(same(events[i], again[i]));

  // Without the last byte, the module is invalid.
  const TraceModuleReader cut(std::span(bytes).first(bytes.size() - 1));
  FALLOW_CHECK(cut.error() != nullptr);
}

void read_as_a_module(std::span<const std::byte> bytes) {
  TraceModuleReader reader(bytes), copy = reader;
  const bool header = reader.error() == nullptr;
  const Events events = read_all(reader, bytes.size());
  FALLOW_CHECK(header || events.empty());
  FALLOW_CHECK(read_all(copy, bytes.size()).size() == events.size());
  FALLOW_CHECK((copy.error() == nullptr) == (reader.error() == nullptr));
  check_comes_back(events);
}

// Times advance in steps of all sizes; there are at most as many slots as events.
Events made_of(FuzzInput in) {
  Events events;
  TraceModuleEvent event;
  while (!in.empty()) {
    const std::uint8_t head = in.u8();
    const std::uint64_t passed = in.u64() >> (in.u8() % 64);
    if (passed <= ~std::uint64_t{0} - event.time_us) event.time_us += passed;
    event.free = head % 2 != 0;
    event.order = {static_cast<std::uint8_t>(event.free ? 0 : head / 2 % (kMaxOrder.raw + 1))};
    event.mobility = event.free ? Mobility::Movable : static_cast<Mobility>(head / 32 % kMobilities);
    event.slot = static_cast<std::uint32_t>(in.u16() % (events.size() + 1));
    events.push_back(event);
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_as_a_module(std::as_bytes(std::span(data, size)));
  check_comes_back(made_of(FuzzInput(data, size)));
  return 0;
}

}  // namespace fallow::guest
