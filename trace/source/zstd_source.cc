#include "trace/source/zstd_source.h"

#include <fmt/format.h>
#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <utility>

#include "fallow/base/check.h"

namespace fallow::trace {
namespace {

// Describes a zstd error. Only errors that valid data cannot cause are called damage.
std::string error_text(std::size_t result) {
  const char* const name = ZSTD_getErrorName(result);
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return fmt::format(
          "the zstd window is above the maximum of 1 GiB: {}; decompress the file first "
          "with: zstd -d --long=31",
          name);
    case ZSTD_error_prefix_unknown:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_corruption_detected:
    case ZSTD_error_checksum_wrong:
    case ZSTD_error_srcSize_wrong:
      return fmt::format("the zstd data is damaged: {}", name);
    default:
      return fmt::format("zstd cannot decompress the data: {}", name);
  }
}

}  // namespace

ZstdSource::ZstdSource(std::unique_ptr<ByteSource> raw, std::string_view first)
    : raw_(std::move(raw)), input_storage_(ZSTD_DStreamInSize()), stream_(ZSTD_createDStream()) {
  if (stream_ == nullptr) throw std::bad_alloc();
  static_assert(kMaxWindow == std::size_t{1} << 30);  // the size that the error message states
  const std::size_t set = ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  FALLOW_CHECK(ZSTD_isError(set) == 0);
  std::copy(first.begin(), first.end(), input_storage_.begin());
  input_ = {input_storage_.data(), first.size(), 0};
}

// Returns whether input is available.
bool ZstdSource::refill() {
  if (input_.pos < input_.size) return true;
  input_.size = raw_->read(input_storage_);
  input_.pos = 0;
  error_ = raw_->error();
  return input_.size > 0 && error_.empty();
}

std::size_t ZstdSource::read(std::span<char> buffer) {
  ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
  while (!done_ && output.pos < output.size) {
    const bool more_input = refill();
    if (!more_input && (!inside_frame_ || !error_.empty())) {
      done_ = true;
      break;
    }
    // Without further input, the stream may still hold a part of the frame that did not fit into the output.
    const std::size_t before = output.pos;
    const std::size_t result = ZSTD_decompressStream(stream_.get(), &output, &input_);
    inside_frame_ = result != 0;
    if (ZSTD_isError(result) != 0) {
      error_ = error_text(result);
      done_ = true;
    } else if (!more_input && inside_frame_ && output.pos == before) {
      error_ = "the zstd data ends early: the file is truncated";
      done_ = true;
    }
  }
  return output.pos;
}

}  // namespace fallow::trace
