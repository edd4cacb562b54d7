#include "fallow/trace/event_fields.h"

#include <fmt/format.h>

#include "fallow/trace/cursor.h"
#include "fallow/trace/excerpt.h"

namespace fallow {
namespace {

// One beyond the last frame that a 64-bit physical address can name.
constexpr std::uint64_t kPfnEnd = std::uint64_t{1} << (64 - kFrameShift);
constexpr std::uint64_t kNoPfn = ~std::uint64_t{0};  // a failed allocation is recorded with pfn -1
constexpr std::uint64_t kMigratetypeEnd = 256;

// A value and how it went: a field may be missing, and must not stand twice, as in two lines run together.
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

  void read(Cursor cursor) {
    for (cursor.skip_blanks(); !cursor.done(); cursor.skip_blanks()) {
      if (cursor.take("pfn=")) {
        take_field(cursor, pfn);
      } else if (cursor.take("order=")) {
        take_field(cursor, order);
      } else if (cursor.take("migratetype=")) {
        take_field(cursor, migratetype);
      } else {
        cursor.skip_long_word();
      }
    }
  }
};

// Empty if the field is as it should be.
std::string complaint(const Field& field) {
  if (field.seen == 0) return fmt::format("{}= is missing", field.name);
  if (field.seen > 1) return fmt::format("{}= stands twice", field.name);
  if (field.bad.data() != nullptr)
    return fmt::format("{}={} is not a number", field.name, excerpt(field.bad));
  return {};
}

[[gnu::cold]] LineKind complain(const Fields& fields, bool alloc, ParsedLine& out) {
  out.reason = complaint(fields.pfn);
  if (out.reason.empty()) out.reason = complaint(fields.order);
  if (out.reason.empty() && alloc) out.reason = complaint(fields.migratetype);
  if (out.reason.empty() && fields.order.value > kMaxOrder.raw) {
    out.reason = fmt::format("order={} is above {}", fields.order.value, kMaxOrder.raw);
  }
  if (out.reason.empty() && fields.pfn.value >= kPfnEnd) {
    out.reason = fmt::format("pfn={:#x} is beyond every physical address", fields.pfn.value);
  }
  if (out.reason.empty()) {
    out.reason = fmt::format("migratetype={} is above {}", fields.migratetype.value, kMigratetypeEnd - 1);
  }
  return LineKind::Damaged;
}

bool good(const Field& field) { return field.seen == 1 && field.bad.data() == nullptr; }

}  // namespace

LineKind parse_event_fields(std::string_view text, ParsedLine& out) {
  Fields fields;
  fields.read(Cursor(text));

  const bool alloc = out.event.kind == TraceEvent::Kind::Alloc;
  const bool well_formed =
      good(fields.pfn) && good(fields.order) && fields.order.value <= kMaxOrder.raw &&
      (!alloc || (good(fields.migratetype) && fields.migratetype.value < kMigratetypeEnd));
  if (!well_formed) return complain(fields, alloc, out);
  if (alloc && (fields.pfn.value == 0 || fields.pfn.value == kNoPfn)) return LineKind::FailedAlloc;
  if (fields.pfn.value >= kPfnEnd) return complain(fields, alloc, out);

  out.event.pfn = Pfn{fields.pfn.value};
  out.event.order = Order{static_cast<std::uint8_t>(fields.order.value)};
  out.event.migratetype = alloc ? static_cast<std::uint8_t>(fields.migratetype.value) : std::uint8_t{0};
  return LineKind::Event;
}

}  // namespace fallow
