// The decompressed content of a gzip file (RFC 1952), which may have several members.
#pragma once

#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/source/byte_source.h"

namespace fallow::trace {

class GzipSource : public ByteSource {
 public:
  // `first` holds the bytes that were already read from `raw`.
  GzipSource(std::unique_ptr<ByteSource> raw, std::string_view first);
  ~GzipSource() override;

  std::size_t read(std::span<char> buffer) override;
  const std::string& error() const override { return error_; }
  std::optional<double> progress() const override { return raw_->progress(); }

 private:
  bool refill();
  bool next_member();
  std::string error_text(int result) const;
  void fail(std::string why);

  std::unique_ptr<ByteSource> raw_;
  std::vector<char> input_;
  z_stream stream_{};
  bool between_members_ = false;
  bool done_ = false;
  std::string error_;
};

}  // namespace fallow::trace
