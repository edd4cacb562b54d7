#include "guest/kernel/event.h"

#include "guest/protocol/event_names.h"

namespace fallow::guest {

Event::Event(StringRef name) {
  line_.put(event_name::kPrefix).put('{');
  text("event", name);
}

void Event::separate() {
  if (!first_) line_.put(',');
  first_ = false;
}

template <class Put>
Event& Event::field(StringRef key, Put put) {
  const std::size_t before = line_.size();
  const bool first = first_;
  separate();
  quote(key);
  line_.put(':');
  put();
  if (line_.size() <= kSize - kReserve) return *this;
  line_.cut(before);
  first_ = first;
  return *this;
}

// Escapes as in RFC 8259, 7. Non-ASCII bytes become '?', because they may not be valid UTF-8.
void Event::quote(StringRef value) {
  line_.put('"');
  for (const char c : value.first(kLongestText)) {
    if (c == '"' || c == '\\') {
      line_.put('\\').put(c);
    } else if (c >= ' ' && c < 0x7f) {
      line_.put(c);
    } else {
      line_.put(c == '\t' || c == '\n' ? ' ' : '?');
    }
  }
  line_.put('"');
}

Event& Event::text(StringRef key, StringRef value) {
  return field(key, [&] { quote(value); });
}
Event& Event::number(StringRef key, std::uint64_t value) {
  return field(key, [&] { line_.number(value); });
}
Event& Event::hex(StringRef key, std::uint64_t value) {
  return field(key, [&] { line_.put('"').hex(value).put('"'); });
}
Event& Event::flag(StringRef key, bool value) {
  return field(key, [&] { line_.put(value ? "true" : "false"); });
}

Event& Event::begin_list(StringRef key) {
  field(key, [&] { line_.put('['); });
  first_ = true;
  return *this;
}
Event& Event::begin_object() {
  separate();
  line_.put('{');
  first_ = true;
  return *this;
}
Event& Event::end_object() {
  line_.put('}');
  first_ = false;
  return *this;
}
Event& Event::end_list() {
  line_.put(']');
  first_ = false;
  return *this;
}

StringRef Event::line() {
  line_.put("}\n");
  return line_.text();
}

}  // namespace fallow::guest
