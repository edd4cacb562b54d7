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

// Hands out the bytes that were read to recognise the input, then the rest of it.
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

class RefusedSource : public ByteSource {
 public:
  explicit RefusedSource(std::string why) : why_(std::move(why)) {}
  std::size_t read(std::span<char>) override { return 0; }
  const std::string& error() const override { return why_; }

 private:
  std::string why_;
};

struct Refusal {
  std::string_view magic;
  const char* why;
};
constexpr std::array kRefusals{
    Refusal{"PERFILE2"sv, "a perf recording, not text; read the output of: perf script -i FILE"},
    Refusal{"\x17\x08\x44tracing"sv,
            "a trace-cmd recording, not text; read the output of: trace-cmd report FILE"},
    Refusal{"\xfd\x37zXZ\0"sv, "xz data, which is not read; unpack it with: xz -d"},
    Refusal{"BZh"sv, "bzip2 data, which is not read; unpack it with: bzip2 -d"},
    Refusal{"\x04\x22\x4d\x18"sv, "lz4 data, which is not read; unpack it with: lz4 -d"},
    Refusal{"TRACE:\nx\x9c"sv, "atrace's compressed output, which is not read; record without: atrace -z"},
    Refusal{"PK\x03\x04"sv, "a zip archive, which is not read; unpack it first"},
};

bool is_gzip(std::string_view first) { return first.starts_with("\x1f\x8b"sv); }

// A frame, or a skippable frame, of which the low four bits of the first byte are free (RFC 8878, 3.1.2).
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
  for (const Refusal& refusal : kRefusals) {
    if (first.starts_with(refusal.magic)) return std::make_unique<RefusedSource>(refusal.why);
  }
  if (is_gzip(first)) return std::make_unique<GzipSource>(std::move(raw), first);
  if (is_zstd(first)) return std::make_unique<ZstdSource>(std::move(raw), first);
  return std::make_unique<PlainSource>(std::move(raw), std::move(first));
}

std::unique_ptr<ByteSource> open_trace_text(const std::string& path) {
  return unpack(std::make_unique<FileSource>(path));
}

}  // namespace fallow::trace
