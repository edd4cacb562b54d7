// An event for the host: one line, `fallow: ` and a JSON object, written in a single call.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"
#include "guest/protocol/text.h"

namespace fallow::guest {

//   Event("filled").number("mib", 1200).write_to(machine);
//
// Allocates nothing. A field that does not fit is omitted as a whole; a long text is truncated.
class Event {
 public:
  explicit Event(StringRef name);

  Event& text(StringRef key, StringRef value);
  Event& number(StringRef key, std::uint64_t value);
  Event& hex(StringRef key, std::uint64_t value);  // as a string, "0x2a"
  Event& flag(StringRef key, bool value);

  // A list of objects: begin_list("zones"); for each object begin_object(), its fields, end_object();
  // end_list().
  Event& begin_list(StringRef key);
  Event& begin_object();
  Event& end_object();
  Event& end_list();

  // Closes the object and returns the line. No field may be added afterwards.
  StringRef line();
  void write_to(Machine& machine) { machine.write(line()); }

 private:
  static constexpr std::size_t kSize = 1536, kLongestText = 400;
  // Reserved for closing brackets.
  static constexpr std::size_t kReserve = 16;

  template <class Put>
  Event& field(StringRef key, Put put);
  void quote(StringRef value);
  void separate();

  FixedString<kSize> line_;
  bool first_ = true;
};

}  // namespace fallow::guest
