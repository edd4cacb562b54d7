#include "trace/source/gzip_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

namespace fallow::trace {
namespace {

constexpr std::size_t kInputSize = std::size_t{64} << 10;
constexpr int kGzipOnly = 16;  // added to the window bits, makes zlib expect a gzip header and trailer

}  // namespace

GzipSource::GzipSource(std::unique_ptr<ByteSource> raw, std::string_view first)
    : raw_(std::move(raw)), input_(kInputSize) {
  std::copy(first.begin(), first.end(), input_.begin());
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(first.size());
  const int result = inflateInit2(&stream_, kGzipOnly + MAX_WBITS);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK) fail(error_text(result));
}

GzipSource::~GzipSource() { inflateEnd(&stream_); }

void GzipSource::fail(std::string why) {
  error_ = std::move(why);
  done_ = true;
}

// Describes a zlib error. Errors other than Z_DATA_ERROR, such as lack of memory, are not damage to the data.
std::string GzipSource::error_text(int result) const {
  return fmt::format("{}: {}",
                     result == Z_DATA_ERROR ? "the gzip data is damaged" : "zlib cannot decompress the data",
                     stream_.msg != nullptr ? stream_.msg : zError(result));
}

// Returns whether input is available.
bool GzipSource::refill() {
  if (stream_.avail_in > 0) return true;
  const std::size_t count = raw_->read(input_);
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(count);
  if (!raw_->error().empty()) fail(raw_->error());
  return count > 0 && !done_;
}

// Called between members; returns whether another member follows. Zero bytes end the data, because tapes and
// block devices pad with zeros.
bool GzipSource::next_member() {
  bool padding = false;
  while (refill()) {
    if (*stream_.next_in != 0) {
      if (padding || *stream_.next_in != 0x1f) break;
      between_members_ = false;
      inflateReset(&stream_);
      return true;
    }
    padding = true;
    ++stream_.next_in;
    --stream_.avail_in;
  }
  if (stream_.avail_in > 0) fail("the gzip data is followed by data that is not gzip");
  done_ = true;
  return false;
}

std::size_t GzipSource::read(std::span<char> buffer) {
  stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
  stream_.avail_out = static_cast<uInt>(buffer.size());
  while (!done_ && stream_.avail_out > 0) {
    if (between_members_) {
      if (!next_member()) break;
    } else if (!refill()) {
      if (!done_) fail("the gzip data ends early: the file is truncated");
      break;
    }
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      between_members_ = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(error_text(result));
    }
  }
  return buffer.size() - stream_.avail_out;
}

}  // namespace fallow::trace
