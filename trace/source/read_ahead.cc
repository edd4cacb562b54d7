#include "trace/source/read_ahead.h"

#include <algorithm>
#include <utility>

#include "fallow/base/check.h"

namespace fallow::trace {

ReadAhead::ReadAhead(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
  if (source_->progress()) thread_ = std::thread([this] { run(); });
}

ReadAhead::~ReadAhead() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::fill(Block& block) {
  // Memory is allocated on first use: a short trace needs only one or two blocks.
  if (block.memory == nullptr) block.memory = std::make_unique_for_overwrite<char[]>(kKeepMax + kBlockSize);
  block.size = source_->read({block.memory.get() + kKeepMax, kBlockSize});
}

void ReadAhead::run() {
  for (std::uint64_t index = 0;; ++index) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || index < released_ + kBlocks; });
      if (stop_) return;
    }
    fill(block(index));
    const bool last = block(index).size == 0;
    {
      const std::lock_guard lock(mutex_);
      filled_ = index + 1;
    }
    changed_.notify_all();
    if (last) return;
  }
}

bool ReadAhead::wait_until_filled(std::uint64_t index) {
  if (thread_.joinable()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return index < filled_; });
  } else {
    fill(block(index));
  }
  return block(index).size > 0;
}

void ReadAhead::release_before(std::uint64_t index) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    released_ = index;
  }
  changed_.notify_all();
}

std::span<const char> ReadAhead::next(std::span<const char> keep) {
  FALLOW_CHECK(keep.size() <= kKeepMax);
  // `keep` points into the previous block, which is released only after `keep` has been copied.
  ended_ = ended_ || !wait_until_filled(current_);
  if (ended_) return keep;
  Block& block = this->block(current_);
  char* const start = block.memory.get() + kKeepMax - keep.size();
  std::copy(keep.begin(), keep.end(), start);
  release_before(current_);
  ++current_;
  return {start, keep.size() + block.size};
}

}  // namespace fallow::trace
