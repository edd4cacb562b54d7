// A stream of bytes, and the way from a path to the text that is in the file, compressed or not.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fallow::trace {

// Not thread safe, but for progress(), which any thread may call at any time.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Puts 1 to buffer.size() bytes into buffer and returns how many. 0: the end, or an error; then always 0.
  // The buffer must not be empty.
  virtual std::size_t read(std::span<char> buffer) = 0;

  // What went wrong, as a clause without the name of the file ("cannot read: Is a directory"). Empty:
  // nothing.
  virtual const std::string& error() const = 0;

  // The part of the input that has been read, 0 to 1; nothing where the size of the input is not known. A
  // source that knows it reads a regular file, so that its read() does not wait for someone else to write.
  virtual std::optional<double> progress() const { return std::nullopt; }
};

// Opens a file; "-" is standard input. Detects gzip and zstd by their first bytes, whatever the name. Never
// null: what cannot be opened is a source with an error. Memory: under 1 MiB and, for zstd, the frame's
// window (8 MiB for zstd -19, 2^N bytes for zstd --long=N, at most 1 GiB; a frame that wants more is an
// error).
std::unique_ptr<ByteSource> open_trace_text(const std::string& path);

// The text of whatever `raw` holds: itself, or unpacked if it is gzip or zstd. Recordings that are not text
// (perf.data, trace.dat) and other compressions are an error that says what to do.
std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> raw);

}  // namespace fallow::trace
