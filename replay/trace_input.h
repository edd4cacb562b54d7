// The trace of a replay: a file that can be read twice, and what the first reading tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/expected.h"
#include "replay/replay.h"
#include "trace/trace_reader.h"

namespace fallow::replay {

struct TraceExtent {
  PfnCount peak;           // the most frames that are allocated at a time
  Nanoseconds duration{};  // from the first event to the last
};

class TraceInput {
 public:
  // `path`, or "-" for standard input. Where it is to be read twice, and is no regular file, it is copied to
  // a temporary file that has no name.
  static Expected<TraceInput> open(const std::string& path, trace::TraceOptions options, bool twice);

  // From the beginning.
  std::unique_ptr<trace::TraceReader> read() const;

  // Reads it to its end. False: `error` says why; or `stop`, which may be null, was set, and it is empty.
  bool measure(ReplayObserver* observer, const std::atomic<bool>* stop, TraceExtent& extent,
               std::string& error) const;

 private:
  TraceInput(std::string path, trace::TraceOptions options) : path_(std::move(path)), options_(options) {}

  // Empty, or what failed.
  std::string spool();

  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::string path_;
  trace::TraceOptions options_;
  std::unique_ptr<std::FILE, CloseFile> copy_;
};

}  // namespace fallow::replay
