// A weaker memory order at one place of the core: a test of the tests. If no scenario fails, the order is
// either not needed or not tested.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "tests/explore/engine/atomic.h"

namespace fallow::explore {

// One atomic access in the source, as observed.
struct AccessSite {
  enum class Kind : unsigned char { Load, Store, Modify, CompareExchange, Fence };
  std::string file;  // from `fallow/` on
  unsigned line;
  Kind kind;
  std::memory_order order, failure;  // failure: of a compare-exchange

  friend bool operator==(const AccessSite&, const AccessSite&) = default;
};

struct Mutation {
  AccessSite site;
  std::memory_order order, failure;
  bool split = false;  // the read-modify-write becomes a load and a store

  bool applies(const Site& at, AccessSite::Kind kind) const;
};

const char* name_of(std::memory_order order);
std::string to_text(const Mutation& mutation);
AccessSite site_of(const Site& at, AccessSite::Kind kind, std::memory_order order, std::memory_order failure);
// Returns a mutation for each order that is weaker than the actual order.
std::vector<Mutation> mutations_of(const AccessSite& site);

}  // namespace fallow::explore
