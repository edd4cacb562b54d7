// The decompressed content of a zstd file (RFC 8878), which may have several frames.
#pragma once

#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/source/byte_source.h"

namespace fallow::trace {

// Memory: the window of the frame, at most kMaxWindow, plus less than 1 MiB. A frame with a larger window or
// with a dictionary is an error.
class ZstdSource : public ByteSource {
 public:
  static constexpr int kMaxWindowLog = 30;  // zstd --long=30
  static constexpr std::size_t kMaxWindow = std::size_t{1} << kMaxWindowLog;

  // `first` holds the bytes that were already read from `raw`.
  ZstdSource(std::unique_ptr<ByteSource> raw, std::string_view first);

  std::size_t read(std::span<char> buffer) override;
  const std::string& error() const override { return error_; }
  std::optional<double> progress() const override { return raw_->progress(); }

 private:
  struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  bool refill();

  std::unique_ptr<ByteSource> raw_;
  std::vector<char> input_storage_;
  ZSTD_inBuffer input_{};
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
  bool inside_frame_ = false;
  bool done_ = false;
  std::string error_;
};

}  // namespace fallow::trace
