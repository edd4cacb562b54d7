// A stream of bytes, and opening a file as text whether or not the file is compressed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fallow::trace {

// Not thread-safe, except progress(), which any thread may call at any time.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Reads 1 to buffer.size() bytes into `buffer` and returns the count. Returns 0 at the end or after an
  // error, and from then on always 0. The buffer must not be empty.
  virtual std::size_t read(std::span<char> buffer) = 0;

  // Returns the error as a clause without the file name ("cannot read: Is a directory"), or an empty text.
  virtual const std::string& error() const = 0;

  // Returns the fraction of the input that has been read, 0 to 1, or nothing if the size is unknown. A source
  // that returns a value reads a regular file, so its read() does not block until another process writes.
  virtual std::optional<double> progress() const { return std::nullopt; }
};

// Opens a file; "-" is standard input. Detects gzip and zstd by the first bytes, not by the file name. Never
// returns null: a file that cannot be opened becomes a source with an error. Memory: under 1 MiB plus, for
// zstd, the window of the frame (8 MiB for zstd -19, 2^N bytes for zstd --long=N). A window above 1 GiB is an
// error.
std::unique_ptr<ByteSource> open_trace_text(const std::string& path);

// Returns the content of `raw`, decompressed if it is gzip or zstd. Binary recordings (perf.data, trace.dat)
// and other compression formats become an error that says how to convert them.
std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> raw);

}  // namespace fallow::trace
