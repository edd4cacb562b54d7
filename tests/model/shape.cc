#include "tests/model/shape.h"

namespace fallow::model {

std::span<const Shape> shapes() {
  static const std::vector<Shape> all = {
      // Less than a block, with unaligned ends: every allocation is near exhaustion.
      {"Crumb", {{777}, {100}, 2}, {}},
      // A pair and two halves, one cache.
      {"Odd", {{1024 - 300}, {2048 + 77}, 1}, {{5, 3}}},
      // Reserved holes in words, in blocks, and whole blocks; the first and last frames are withheld.
      {"Holes", {{12345}, {20000}, 3}, {{0, 1}, {700, 900}, {4000, 2048}, {19999, 1}}},
      // More caches than the memory that they can hold back.
      {"Crowded", {{4096}, {16 * 512}, 12}, {}},
      // Enough blocks for an index of two levels.
      {"Large", {{std::uint64_t{1} << 40}, {200 * 512}, 4}, {}},
  };
  return all;
}

const Shape* find_shape(const std::string& name) {
  for (const Shape& shape : shapes()) {
    if (shape.name == name) return &shape;
  }
  return nullptr;
}

}  // namespace fallow::model
