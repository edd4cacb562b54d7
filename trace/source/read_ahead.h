// Reads and unpacks a trace on a thread of its own, block by block, while the caller parses.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "trace/source/byte_source.h"

namespace fallow::trace {

// For one caller. Memory: kBlocks * (kKeepMax + kBlockSize), 1.25 MiB.
class ReadAhead {
 public:
  static constexpr std::size_t kKeepMax = std::size_t{64} << 10;
  static constexpr std::size_t kBlockSize = std::size_t{256} << 10;

  // The thread is there only for a source that tells its progress(). Another, a pipe say, may wait without
  // end in a read, where the destructor could not join the thread: it is read inside next().
  explicit ReadAhead(std::unique_ptr<ByteSource> source);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The next bytes of the source, with `keep` in front of them: the unused end of the last span, at most
  // kKeepMax bytes. It stays valid until the next call. At the end of the source, keep itself is returned.
  std::span<const char> next(std::span<const char> keep);

  // As ByteSource::error(), once next() has come to the end.
  const std::string& error() const { return source_->error(); }
  std::optional<double> progress() const { return source_->progress(); }

 private:
  static constexpr std::size_t kBlocks = 4;

  struct Block {
    std::unique_ptr<char[]> memory;  // kKeepMax for what is kept from the block before, then kBlockSize
    std::size_t size = 0;            // 0: the end of the source
  };

  Block& block(std::uint64_t index) { return blocks_[index % kBlocks]; }
  void fill(Block& block);
  void run();
  bool wait_until_filled(std::uint64_t index);
  void release_before(std::uint64_t index);

  std::unique_ptr<ByteSource> source_;
  std::array<Block, kBlocks> blocks_;
  std::uint64_t current_ = 0;  // the caller's: the block that next() will return
  bool ended_ = false;         // the caller's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t filled_ = 0;    // under mutex_: blocks before this one are filled
  std::uint64_t released_ = 0;  // under mutex_: blocks before this one may be filled again
  bool stop_ = false;           // under mutex_
  std::thread thread_;
};

}  // namespace fallow::trace
