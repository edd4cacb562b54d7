// Reads and decompresses a trace block by block on a separate thread while the caller parses.
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

// For use by one thread. Memory: kBlocks * (kKeepMax + kBlockSize), 1.25 MiB.
class ReadAhead {
 public:
  static constexpr std::size_t kKeepMax = std::size_t{64} << 10;
  static constexpr std::size_t kBlockSize = std::size_t{256} << 10;

  // Starts the thread only if the source reports progress(). Any other source, such as a pipe, may block
  // forever in read(), and the destructor could not join the thread. Such a source is read inside next().
  explicit ReadAhead(std::unique_ptr<ByteSource> source);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Returns the next bytes of the source, preceded by `keep`: the unused end of the last span, at most
  // kKeepMax bytes. The span stays valid until the next call. At the end of the source, returns `keep`
  // itself.
  std::span<const char> next(std::span<const char> keep);

  // Returns ByteSource::error(); valid after next() has reached the end.
  const std::string& error() const { return source_->error(); }
  std::optional<double> progress() const { return source_->progress(); }

 private:
  static constexpr std::size_t kBlocks = 4;

  struct Block {
    std::unique_ptr<char[]> memory;  // kKeepMax bytes kept from the previous block, then kBlockSize bytes
    std::size_t size = 0;            // 0: the end of the source
  };

  Block& block(std::uint64_t index) { return blocks_[index % kBlocks]; }
  void fill(Block& block);
  void run();
  bool wait_until_filled(std::uint64_t index);
  void release_before(std::uint64_t index);

  std::unique_ptr<ByteSource> source_;
  std::array<Block, kBlocks> blocks_;
  std::uint64_t current_ = 0;  // used by the caller only: the block that next() returns next
  bool ended_ = false;         // used by the caller only

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t filled_ = 0;    // under mutex_: blocks before this one are filled
  std::uint64_t released_ = 0;  // under mutex_: blocks before this one may be filled again
  bool stop_ = false;           // under mutex_
  std::thread thread_;
};

}  // namespace fallow::trace
