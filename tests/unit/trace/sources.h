// Inputs for the tests of the trace reader.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/scratch_folder.h"
#include "trace/source/byte_source.h"

namespace fallow::trace {

// Text in memory, returned at most `chunk` bytes at a time, with an optional error at the end.
class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string text, std::size_t chunk = SIZE_MAX, std::string error = {})
      : text_(std::move(text)), chunk_(chunk), error_at_end_(std::move(error)) {}

  std::size_t read(std::span<char> buffer) override {
    const std::size_t count = std::min({buffer.size(), chunk_, text_.size() - at_});
    std::copy_n(text_.data() + at_, count, buffer.data());
    at_ += count;
    if (count == 0) error_ = error_at_end_;
    return count;
  }
  const std::string& error() const override { return error_; }

 private:
  std::string text_;
  std::size_t chunk_;
  std::size_t at_ = 0;
  std::string error_at_end_;
  std::string error_;
};

inline std::unique_ptr<ByteSource> text_source(std::string_view text, std::size_t chunk = SIZE_MAX) {
  return std::make_unique<TextSource>(std::string(text), chunk);
}

inline std::string gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zstd(std::string_view text) {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress2(context.get(), out.data(), out.size(), text.data(), text.size());
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

// Returns the entire content of the source.
inline std::string drain(ByteSource& source, std::size_t piece = 4096) {
  std::string out;
  std::vector<char> buffer(piece);
  while (const std::size_t count = source.read(buffer)) out.append(buffer.data(), count);
  return out;
}

// A file that is removed at the end of the test.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, std::string_view content) : path_(folder_.file(name, content)) {}
  const std::string& path() const { return path_; }

 private:
  ScratchFolder folder_;
  std::string path_;
};

}  // namespace fallow::trace
