#include "trace/source/zstd_source.h"

#include <fmt/format.h>
#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <utility>

#include "fallow/base/check.h"

namespace fallow::trace {
namespace {

// What went wrong, in the library's words. Only what cannot be in good data is called damage.
std::string words_for(std::size_t result) {
  const char* const words = ZSTD_getErrorName(result);
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return fmt::format(
          "zstd data with a window of more than 1 GiB, which is not read: {}; unpack it first, "
          "with: zstd -d --long=31",
          words);
    case ZSTD_error_prefix_unknown:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_corruption_detected:
    case ZSTD_error_checksum_wrong:
    case ZSTD_error_srcSize_wrong:
      return fmt::format("the zstd data is damaged: {}", words);
    default:
      return fmt::format("zstd cannot unpack it: {}", words);
  }
}

}  // namespace

ZstdSource::ZstdSource(std::unique_ptr<ByteSource> raw, std::string_view first)
    : raw_(std::move(raw)), input_storage_(ZSTD_DStreamInSize()), stream_(ZSTD_createDStream()) {
  if (stream_ == nullptr) throw std::bad_alloc();
  static_assert(kMaxWindow == std::size_t{1} << 30);  // what the message says
  const std::size_t set = ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  FALLOW_CHECK(ZSTD_isError(set) == 0);
  std::copy(first.begin(), first.end(), input_storage_.begin());
  input_ = {input_storage_.data(), first.size(), 0};
}

// True if there is input to go on with.
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
    // Without input, the rest of the frame may still wait inside the stream for room in the output.
    const std::size_t before = output.pos;
    const std::size_t result = ZSTD_decompressStream(stream_.get(), &output, &input_);
    inside_frame_ = result != 0;
    if (ZSTD_isError(result) != 0) {
      error_ = words_for(result);
      done_ = true;
    } else if (!more_input && inside_frame_ && output.pos == before) {
      error_ = "the zstd data ends early: the file is truncated";
      done_ = true;
    }
  }
  return output.pos;
}

}  // namespace fallow::trace
