// An event as the host reads it: a line `fallow: ` and a JSON object, written in one go.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"
#include "guest/protocol/fixed_string.h"
#include "guest/protocol/string_ref.h"

namespace fallow::guest {

//   Event("filled").number("mib", 1200).say(machine);
//
// No allocation. A field that does not fit any more is left out as a whole; a long text is cut.
class Event {
 public:
  explicit Event(StringRef name);

  Event& text(StringRef key, StringRef value);
  Event& number(StringRef key, std::uint64_t value);
  Event& hex(StringRef key, std::uint64_t value);  // as a text, "0x2a"
  Event& flag(StringRef key, bool value);

  // A list of objects: begin_list("zones"), then for each begin_object(), its fields and end_object().
  Event& begin_list(StringRef key);
  Event& begin_object();
  Event& end_object();
  Event& end_list();

  // Closes the object; nothing may be added afterwards.
  StringRef line();
  void say(Machine& machine) { machine.write(line()); }

 private:
  static constexpr std::size_t kSize = 1536, kLongestText = 400;
  // So that brackets can always be closed.
  static constexpr std::size_t kReserve = 16;

  template <class Put>
  Event& field(StringRef key, Put put);
  void quote(StringRef value);
  void separate();

  FixedString<kSize> line_;
  bool first_ = true;
};

}  // namespace fallow::guest
