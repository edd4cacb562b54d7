#include "trace/event_fields.h"

#include <fmt/format.h>

#include "trace/cursor.h"
#include "trace/excerpt.h"

namespace fallow::trace {
namespace {

// The first page frame number that no 64-bit physical address can name.
constexpr std::uint64_t pfn_end(PageShift page) { return std::uint64_t{1} << (64 - page.raw); }
constexpr std::uint64_t kNoPfn = ~std::uint64_t{0};  // Linux records a failed allocation with pfn -1
constexpr std::uint64_t kMigratetypeEnd = 256;

// A field and the outcome of parsing it. A field may be missing. A field that appears twice indicates two
// lines run together.
struct Field {
  std::string_view name;
  std::uint64_t value = 0;
  std::uint8_t seen = 0;
  std::string_view bad{};  // the text of a value that is not a number
};

bool take_number(Cursor& cursor, std::uint64_t& value) {
  if (cursor.take("0x")) return cursor.take_hex(value);
  if (cursor.take("-1")) {
    value = kNoPfn;
    return true;
  }
  return cursor.take_decimal(value);
}

void take_field(Cursor& cursor, Field& field) {
  const char* const start = cursor.at;
  if (field.seen < 2) ++field.seen;
  if (take_number(cursor, field.value) && cursor.at_word_end()) return;
  cursor.skip_long_word();
  field.bad = {start, static_cast<std::size_t>(cursor.at - start)};
}

struct Fields {
  Field pfn{"pfn"};
  Field order{"order"};
  Field migratetype{"migratetype"};
  std::string_view stray{};  // a word that is not a field of any event

  void read(Cursor cursor) {
    for (cursor.skip_blanks(); !cursor.done(); cursor.skip_blanks()) {
      if (cursor.take("pfn=")) {
        take_field(cursor, pfn);
      } else if (cursor.take("order=")) {
        take_field(cursor, order);
      } else if (cursor.take("migratetype=")) {
        take_field(cursor, migratetype);
      } else {
        const char* const start = cursor.at;
        cursor.skip_long_word();
        if (cursor.at[-1] == ':') stray = {start, static_cast<std::size_t>(cursor.at - start)};
      }
    }
  }
};

// Returns an empty text if the field is valid.
std::string error_text(const Field& field) {
  if (field.seen == 0) return fmt::format("{}= is missing", field.name);
  if (field.seen > 1) return fmt::format("{}= appears twice", field.name);
  if (field.bad.data() != nullptr)
    return fmt::format("{}={} is not a number", field.name, excerpt(field.bad));
  return {};
}

[[gnu::cold]] std::string error_text(const Fields& fields, bool alloc, PageShift page) {
  if (std::string error = error_text(fields.pfn); !error.empty()) return error;
  if (std::string error = error_text(fields.order); !error.empty()) return error;
  if (alloc)
    if (std::string error = error_text(fields.migratetype); !error.empty()) return error;
  if (!fields.stray.empty())
    return fmt::format("two lines run together: found \"{}\" among the fields", excerpt(fields.stray));
  const Order most = max_recorded_order(page);
  if (fields.order.value > most.raw)
    return fmt::format(
        "order={} is above {}, the largest order with pages of {} KiB (for larger pages: fallow replay "
        "--page-size)",
        fields.order.value, most.raw, (1U << page.raw) / 1024);
  if (fields.pfn.value >= pfn_end(page))
    return fmt::format("pfn={:#x} is beyond the largest physical address", fields.pfn.value);
  return fmt::format("migratetype={} is above the maximum of {}", fields.migratetype.value,
                     kMigratetypeEnd - 1);
}

[[gnu::cold]] LineKind damaged(const Fields& fields, PageShift page, ParsedLine& out) {
  out.reason = error_text(fields, out.event.kind == TraceEvent::Kind::Alloc, page);
  return LineKind::Damaged;
}

bool good(const Field& field) { return field.seen == 1 && field.bad.data() == nullptr; }

bool has_field(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    const char before = at == 0 ? ' ' : text[at - 1];
    const std::size_t end = at + name.size();
    if ((is_blank(before) || before == '(') && end < text.size() && (text[end] == '=' || text[end] == ':'))
      return true;
  }
  return false;
}

}  // namespace

LineKind parse_event_fields(std::string_view text, PageShift page, ParsedLine& out) {
  Fields fields;
  fields.read(Cursor(text));

  const bool alloc = out.event.kind == TraceEvent::Kind::Alloc;
  const bool well_formed =
      good(fields.pfn) && good(fields.order) && fields.stray.empty() &&
      fields.order.value <= max_recorded_order(page).raw &&
      (!alloc || (good(fields.migratetype) && fields.migratetype.value < kMigratetypeEnd));
  if (!well_formed) return damaged(fields, page, out);
  if (alloc && (fields.pfn.value == 0 || fields.pfn.value == kNoPfn)) return LineKind::FailedAlloc;
  if (fields.pfn.value >= pfn_end(page)) return damaged(fields, page, out);

  const unsigned shift = page.raw - kFrameShift;
  out.event.pfn = Pfn{fields.pfn.value << shift};
  out.event.order = Order{static_cast<std::uint8_t>(fields.order.value + shift)};
  out.event.migratetype = alloc ? static_cast<std::uint8_t>(fields.migratetype.value) : std::uint8_t{0};
  return LineKind::Event;
}

bool has_event_fields(std::string_view text) { return has_field(text, "pfn") && has_field(text, "order"); }

}  // namespace fallow::trace
