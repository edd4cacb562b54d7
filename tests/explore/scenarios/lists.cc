// The lists of blocks: an entry's change concurrent with its listing, and the index on its own.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

// An index with `blocks` blocks, none of them a member.
detail::BlockIndex& index_of(std::uint32_t blocks, detail::BlockIndex::Zeros zeros) {
  const std::size_t words = detail::BlockIndex::storage_size(blocks).raw / sizeof(std::uint64_t);
  auto* storage =
      static_cast<std::atomic<std::uint64_t>*>(arena().allocate(words * sizeof(std::atomic<std::uint64_t>)));
  detail::BlockIndex& index = state<detail::BlockIndex>(blocks, zeros, storage);
  for (std::uint32_t b = 0; zeros == detail::BlockIndex::Zeros::Members && b < blocks; ++b) index.remove(b);
  return index;
}

constexpr std::uint32_t kTwoLevels = 128, kThreeLevels = 4097;

void check_index(const detail::BlockIndex& index, std::uint32_t member) {
  if (!index.is_exact()) engine().fail("IDX-1: a node has members that its parent does not know of");
  if (index.find(0) != member || index.find_before(detail::kNoBlock) != member)
    engine().fail("IDX-1: a search does not find the only member");
}

// The last member of a node is removed while another is inserted that shares the nodes from some level on.
void comes_and_goes(std::uint32_t blocks, detail::BlockIndex::Zeros zeros, std::uint32_t goes,
                    std::uint32_t comes) {
  detail::BlockIndex& index = index_of(blocks, zeros);
  index.insert(goes);
  const unsigned empties = declare_goal("the index is empty for a moment");
  thread([&index, goes] { index.remove(goes); });
  thread([&index, comes, empties] {
    reached(empties, index.find(0) == detail::kNoBlock);
    index.insert(comes);
  });
  at_end([&index, comes] { check_index(index, comes); });
}

// One thread removes a member and reads it, another changes it and inserts it, as the reporter and a free do.
void struck_off_or_on(detail::BlockIndex::Zeros zeros, bool again) {
  detail::BlockIndex& index = index_of(kTwoLevels, zeros);
  index.insert(1);
  auto& changed = state<std::atomic<bool>>(false);
  bool& seen = state<bool>(false);
  const unsigned sees = declare_goal("the look sees the change");
  const unsigned misses = declare_goal("the look comes before the change");
  thread([&index, &changed, &seen] {
    index.remove(1);
    seen = changed.load(std::memory_order_seq_cst);
  });
  thread([&index, &changed, again] {
    changed.store(true, std::memory_order_seq_cst);
    if (again) {
      index.insert_again(1);
    } else {
      index.insert(1);
    }
  });
  at_end([&index, &seen, sees, misses] {
    reached(sees, seen);
    reached(misses, !seen);
    if (!seen && index.find(0) != 1) engine().fail("MO-4: a change was neither seen nor listed");
    if (!index.is_exact()) engine().fail("IDX-1: a node has members that its parent does not know of");
  });
}

// A thread finds the block that it inserted, although another thread is still inserting the same block.
void found_once_inserted(bool again) {
  detail::BlockIndex& index = index_of(kThreeLevels, detail::BlockIndex::Zeros::Absent);
  const unsigned member = declare_goal("the block is a member already");
  thread([&index] { index.insert(1); });
  thread([&index, member, again] {
    reached(member, index.contains(1));
    if (again) {
      index.insert_again(1);
    } else {
      index.insert(1);
    }
    if (index.find(0) != 1 || index.find_before(detail::kNoBlock) != 1)
      engine().fail("MO-5: a block that was inserted is not found");
  });
}

}  // namespace

FALLOW_SCENARIO(MemberComesAsAnotherGoes,
                "IDX-1: the last member of a leaf is removed while another member of the leaf is inserted") {
  comes_and_goes(kTwoLevels, detail::BlockIndex::Zeros::Absent, 0, 1);
}
FALLOW_SCENARIO(ZeroMemberComesAsAnotherGoes,
                "IDX-1: the last member is removed while another is inserted, where zero means member") {
  comes_and_goes(kTwoLevels, detail::BlockIndex::Zeros::Members, 0, 1);
}
FALLOW_SCENARIO(LeafComesAsAnotherGoes,
                "IDX-1: the last member of a node of the second level is removed while another is inserted") {
  comes_and_goes(kThreeLevels, detail::BlockIndex::Zeros::Absent, 0, 64);
}
FALLOW_SCENARIO(MemberOfThreeLevelsComesAsAnotherGoes,
                "IDX-1: the last member of a leaf is removed, and all levels above become empty") {
  comes_and_goes(kThreeLevels, detail::BlockIndex::Zeros::Absent, 0, 1);
}
FALLOW_SCENARIO(SameMemberComesAndGoes,
                "IDX-1: one block is removed and inserted concurrently, and searched") {
  detail::BlockIndex& index = index_of(kTwoLevels, detail::BlockIndex::Zeros::Absent);
  index.insert(0);
  const unsigned stays = declare_goal("the block stays a member");
  const unsigned goes = declare_goal("the block is removed");
  thread([&index] { index.remove(0); });
  thread([&index] { index.insert(0); });
  at_end([&index, stays, goes] {
    reached(index.contains(0) ? stays : goes);
    check_index(index, index.contains(0) ? 0 : detail::kNoBlock);
  });
}
FALLOW_SCENARIO(TwoMembersGoAtOnce,
                "IDX-1: two members are removed concurrently, and only a third that is inserted remains") {
  detail::BlockIndex& index = index_of(kTwoLevels, detail::BlockIndex::Zeros::Absent);
  index.insert(0);
  index.insert(1);
  const unsigned empties = declare_goal("the index is empty for a moment");
  thread([&index] { index.remove(0); });
  thread([&index, empties] {
    index.remove(1);
    reached(empties, index.find(0) == detail::kNoBlock);
    index.insert(2);
  });
  at_end([&index] { check_index(index, 2); });
}
FALLOW_SCENARIO(StruckOffOrInserted, "MO-4: a block is removed and read, or inserted after its change") {
  struck_off_or_on(detail::BlockIndex::Zeros::Absent, false);
}
FALLOW_SCENARIO(StruckOffOrInsertedAgain,
                "MO-4: a block is removed and read, or inserted after its change by insert_again()") {
  struck_off_or_on(detail::BlockIndex::Zeros::Members, true);
}
FALLOW_SCENARIO(FoundOnceInserted,
                "MO-5: a block that a thread inserted is found, even if another thread inserts it as well") {
  found_once_inserted(false);
}
FALLOW_SCENARIO(FoundOnceInsertedAgain, "MO-5: a block that a thread inserted by insert_again() is found") {
  found_once_inserted(true);
}

FALLOW_SCENARIO(ListedByTwo,
                "MO-3, ZONE-5: the last frame of a block is freed while another frame is taken") {
  World& w = world_with(2, {{0, 512}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  w.free(0, pfn);
  const unsigned empties = declare_goal("the block is wholly free for a moment");
  thread([&w] { w.drain(0); });
  thread([&w, empties] {
    reached(empties, w.zone().tables().entry_hint(0).wholly_free());
    w.allocate(1, 6);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ListedAsItIsTaken,
                "MO-3, ZONE-5: a block becomes wholly free while another thread takes and frees all of it") {
  World& w = world_with(2, {{0, 512}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  w.free(0, pfn);
  const unsigned took = declare_goal("the block is taken");
  thread([&w] { w.drain(0); });
  thread([&w, took] {
    const Got got = w.allocate(1, 9);
    reached(took, got.ok);
    if (got.ok) w.free(1, got.pfn, 9);
  });
  at_end([&w] { w.settle(); });
}

// A block that was taken back is still listed as free. The search that finds this removes it from the list
// while the block is freed again and so belongs on that list.
FALLOW_SCENARIO(StaleListingIsMended,
                "MO-3, ZONE-5: a stale listing is removed while the block becomes wholly free") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  w.allocate(0, 9);
  const unsigned took = declare_goal("the block is taken");
  const unsigned mended = declare_goal("the search finds the block allocated");
  thread([&w] { w.free(0, {0}, 9); });
  thread([&w, took, mended] {
    const Got got = w.allocate(1, 9);
    reached(took, got.ok);
    reached(mended, !got.ok);
  });
  at_end([&w] { w.settle(); });
}

// The last member of a node is removed while another is inserted. Until remove() has read the node again, the
// upper levels do not lead to the new member. A refusal for this reason takes three preemptions.
FALLOW_SCENARIO(BlockMissedBesideItsNeighbour,
                "R11: no NoMemory if a block was free and listed before the search began") {
  ModelPort& port = state<ModelPort>();
  const ZoneConfig config{{}, {std::uint64_t{66} * detail::kBlockFrames}, 3};
  const ByteCount size = Zone::metadata_size(config);
  Zone& zone =
      *Zone::create(port, config, {static_cast<std::byte*>(arena().allocate(size.raw)), size.raw}).value();
  if (zone.reserve({}, {std::uint64_t{64} * detail::kBlockFrames}) != Status::Ok)
    engine().fail("reserve() fails");
  const Pfn neighbour = zone.cache(2).allocate(detail::kBlockOrder).pfn;
  const Pfn pfn = zone.cache(2).allocate(detail::kBlockOrder).pfn;
  if (zone.cache(2).free(neighbour, detail::kBlockOrder) != Status::Ok) engine().fail("free() fails");
  zone.cache(2).drain();
  const unsigned both = declare_goal("the search begins after the free");
  thread([&zone] { static_cast<void>(zone.cache(0).allocate(detail::kBlockOrder)); });
  thread([&zone, &port, pfn, both] {
    if (zone.cache(2).free(pfn, detail::kBlockOrder) != Status::Ok)
      engine().fail("a correct free is refused");
    port.relax();
    const Allocation got = zone.cache(1).allocate(detail::kBlockOrder);
    reached(both, got.ok());
    if (!got.ok()) engine().fail("R11: NoMemory although two blocks were free for two threads");
  });
}

}  // namespace fallow::explore
