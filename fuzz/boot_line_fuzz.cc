// Fuzzes the serial output of a guest in pieces of any size. `fallow boot` reads this text and must not trust
// it. The first byte is the size of the pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/boot/boot_event.h"
#include "cli/boot/boot_words.h"
#include "cli/process/line_splitter.h"
#include "cli/term/format.h"
#include "fallow/base/check.h"

namespace fallow {
namespace {

bool harmless(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check(std::string_view line) {
  FALLOW_CHECK(line.size() <= cli::LineSplitter::kLongest);
  FALLOW_CHECK(harmless(cli::printable(line)));
  const cli::SerialLine parsed = cli::parse_serial_line(line);
  FALLOW_CHECK((parsed.kind == cli::SerialLine::Kind::Damaged) == !parsed.reason.empty());
  FALLOW_CHECK(harmless(parsed.reason));
  if (parsed.kind == cli::SerialLine::Kind::Event) FALLOW_CHECK(harmless(cli::event_words(parsed.event)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::max<std::size_t>(data[0], 1);
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  cli::LineSplitter splitter;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    splitter.add(text.substr(0, piece), check);
  splitter.finish(check);
  return 0;
}

}  // namespace fallow
