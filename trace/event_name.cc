#include "trace/event_name.h"

#include <array>
#include <cstring>

#include "trace/cursor.h"

namespace fallow::trace {
namespace {

struct KnownName {
  std::string_view text;
  TraceEvent::Kind kind;
};

constexpr std::array kNames{KnownName{"mm_page_alloc", TraceEvent::Kind::Alloc},
                            KnownName{"mm_page_free", TraceEvent::Kind::Free},
                            KnownName{"mm_page_free_direct", TraceEvent::Kind::Free},
                            KnownName{"mm_pagevec_free", TraceEvent::Kind::Free}};
constexpr std::string_view kPrefix = "mm_page";  // common to all names
constexpr std::size_t kSystemSize = 5;           // "kmem:"

constexpr bool in_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Equivalent to string_view::find(kPrefix, from), but faster: few lines have an 'm' before the event name.
std::size_t find_prefix(std::string_view line, std::size_t from) {
  while (from + kPrefix.size() <= line.size()) {
    const void* const found = std::memchr(line.data() + from, kPrefix.front(), line.size() - from);
    if (found == nullptr) return line.npos;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
    if (line.substr(at).starts_with(kPrefix)) return at;
    from = at + 1;
  }
  return line.npos;
}

std::string_view name_at(std::string_view line, std::size_t at) {
  std::size_t end = at + kPrefix.size();
  while (end < line.size() && in_name(line[end])) ++end;
  return line.substr(at, end - at);
}

const KnownName* known(std::string_view text) {
  for (const KnownName& name : kNames)
    if (name.text == text) return &name;
  return nullptr;
}

// Returns the word that contains the range from `begin` to `end`.
EventName enclosing_word(std::string_view line, std::size_t begin, std::size_t end, TraceEvent::Kind kind) {
  EventName name{kind, begin, end, false};
  while (name.begin > 0 && !is_blank(line[name.begin - 1])) --name.begin;
  while (name.end < line.size() && !is_blank(line[name.end])) ++name.end;
  const std::string_view before = line.substr(name.begin, begin - name.begin);
  const std::string_view after = line.substr(end, name.end - end);
  name.whole = (before.empty() || is_event_system(before)) && after.starts_with(':') && after.ends_with(':');
  return name;
}

}  // namespace

bool find_event_name(std::string_view line, std::size_t from, EventName& name) {
  while (from < line.size()) {
    const std::size_t at = find_prefix(line, from);
    if (at == line.npos) return false;
    const std::string_view text = name_at(line, at);
    from = at + text.size();
    if (at > 0 && in_name(line[at - 1])) continue;
    if (const KnownName* const found = known(text)) {
      name = enclosing_word(line, at, from, found->kind);
      return true;
    }
  }
  return false;
}

bool is_event_name_prefix(std::string_view word) {
  if (word.size() <= kSystemSize && std::string_view("kmem:").starts_with(word)) return true;
  if (word.size() > kSystemSize && is_event_system(word.substr(0, kSystemSize)))
    word.remove_prefix(kSystemSize);
  if (word == "kmem/") return true;
  for (const KnownName& name : kNames)
    if (name.text.starts_with(word)) return true;
  return false;
}

}  // namespace fallow::trace
