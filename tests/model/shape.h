// The zones on which the model test works.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fallow/zone/zone.h"

namespace fallow::model {

struct Hole {
  std::uint64_t first;  // in frames after the zone's base
  std::uint64_t count;
};

struct Shape {
  std::string name;
  ZoneConfig config;
  std::vector<Hole> holes;  // reserved before the first allocation
};

std::span<const Shape> shapes();
// Returns null if no shape has this name.
const Shape* find_shape(const std::string& name);

}  // namespace fallow::model
