#include "trace/source/byte_source.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "trace/source/file_source.h"
#include "trace/source/gzip_source.h"
#include "trace/source/zstd_source.h"

namespace fallow::trace {
namespace {

using namespace std::string_view_literals;

// Returns the bytes that format detection has consumed, then the rest of the input.
class PlainSource : public ByteSource {
 public:
  PlainSource(std::unique_ptr<ByteSource> raw, std::string first)
      : raw_(std::move(raw)), first_(std::move(first)) {}

  std::size_t read(std::span<char> buffer) override {
    if (given_ == first_.size()) return raw_->read(buffer);
    const std::size_t count = std::min(buffer.size(), first_.size() - given_);
    std::copy_n(first_.data() + given_, count, buffer.data());
    given_ += count;
    return count;
  }
  const std::string& error() const override { return raw_->error(); }
  std::optional<double> progress() const override { return raw_->progress(); }

 private:
  std::unique_ptr<ByteSource> raw_;
  std::string first_;
  std::size_t given_ = 0;
};

class UnsupportedSource : public ByteSource {
 public:
  explicit UnsupportedSource(std::string why) : why_(std::move(why)) {}
  std::size_t read(std::span<char>) override { return 0; }
  const std::string& error() const override { return why_; }

 private:
  std::string why_;
};

struct UnsupportedFormat {
  std::string_view magic;
  const char* why;
};
constexpr std::array kUnsupportedFormats{
    UnsupportedFormat{"PERFILE2"sv,
                      "a binary perf recording; expected text: convert it with: perf script -i FILE"},
    UnsupportedFormat{"\x17\x08\x44tracing"sv,
                      "a binary trace-cmd recording; expected text: convert it with: trace-cmd report FILE"},
    UnsupportedFormat{"\xfd\x37zXZ\0"sv, "xz data is not supported; decompress it with: xz -d"},
    UnsupportedFormat{"BZh"sv, "bzip2 data is not supported; decompress it with: bzip2 -d"},
    UnsupportedFormat{"\x04\x22\x4d\x18"sv, "lz4 data is not supported; decompress it with: lz4 -d"},
    UnsupportedFormat{"TRACE:\nx\x9c"sv,
                      "compressed atrace output is not supported; record without: atrace -z"},
    UnsupportedFormat{"PK\x03\x04"sv, "a zip archive is not supported; extract it first"},
};

bool is_gzip(std::string_view first) { return first.starts_with("\x1f\x8b"sv); }

// Matches a frame or a skippable frame. The low four bits of the first byte of a skippable frame are
// arbitrary (RFC 8878, 3.1.2).
bool is_zstd(std::string_view first) {
  if (first.starts_with("\x28\xb5\x2f\xfd"sv)) return true;
  return first.size() >= 4 && (static_cast<unsigned char>(first[0]) & 0xf0u) == 0x50 &&
         first.substr(1, 3) == "\x2a\x4d\x18"sv;
}

}  // namespace

std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> raw) {
  std::array<char, 16> head{};
  std::size_t size = 0;
  while (size < head.size()) {
    const std::size_t count = raw->read(std::span(head).subspan(size));
    if (count == 0) break;
    size += count;
  }
  std::string first(head.data(), size);
  for (const UnsupportedFormat& format : kUnsupportedFormats) {
    if (first.starts_with(format.magic)) return std::make_unique<UnsupportedSource>(format.why);
  }
  if (is_gzip(first)) return std::make_unique<GzipSource>(std::move(raw), first);
  if (is_zstd(first)) return std::make_unique<ZstdSource>(std::move(raw), first);
  return std::make_unique<PlainSource>(std::move(raw), std::move(first));
}

std::unique_ptr<ByteSource> open_trace_text(const std::string& path) {
  return unpack(std::make_unique<FileSource>(path));
}

}  // namespace fallow::trace
