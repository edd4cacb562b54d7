// An event as the host reads it: a line `fallow: ` and a JSON object, written in one go.
#pragma once

#include <cstdint>

#include "apps/guest/characters.h"
#include "apps/guest/machine.h"
#include "apps/guest/text.h"

namespace fallow::guest {

//   Event("filled").number("mib", 1200).say(machine);
//
// No allocation. A field that does not fit any more is left out as a whole; a long text is cut.
class Event {
 public:
  explicit Event(Text name);

  Event& text(Text key, Text value);
  Event& number(Text key, std::uint64_t value);
  Event& hex(Text key, std::uint64_t value);  // as a text, "0x2a"
  Event& flag(Text key, bool value);

  // A list of objects: begin_list("zones"), then for each begin_object(), its fields and end_object().
  Event& begin_list(Text key);
  Event& begin_object();
  Event& end_object();
  Event& end_list();

  // Closes the object; nothing may be added afterwards.
  Text line();
  void say(Machine& machine) { machine.write(line()); }

 private:
  static constexpr std::size_t kSize = 1536, kLongestText = 400;
  // So that brackets can always be closed.
  static constexpr std::size_t kReserve = 16;

  template <class Put>
  Event& field(Text key, Put put);
  void quote(Text value);
  void separate();

  Characters<kSize> line_;
  bool first_ = true;
};

}  // namespace fallow::guest
