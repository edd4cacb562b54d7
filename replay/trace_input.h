// The input trace of a replay: a file that can be read twice, and the results of the first reading.
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
  PfnCount peak;           // maximum number of frames allocated at one time
  Nanoseconds duration{};  // from the first event to the last
  bool stopped = false;    // the reading ended early
};

class TraceInput {
 public:
  // `path` is a file, or "-" for standard input. If the trace is read twice and is not a regular file, it is
  // copied to an unnamed temporary file.
  static Expected<TraceInput> open(const std::string& path, trace::TraceOptions options, bool twice);

  // Returns a reader that starts at the beginning.
  std::unique_ptr<trace::TraceReader> read() const;

  // Reads the trace to its end, or until `stop`, which may be null, is set.
  Expected<TraceExtent> measure(ReplayObserver* observer, const std::atomic<bool>* stop) const;

 private:
  TraceInput(std::string path, trace::TraceOptions options) : path_(std::move(path)), options_(options) {}

  // Returns an error text, or an empty text on success.
  std::string spool();

  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::string path_;
  trace::TraceOptions options_;
  std::unique_ptr<std::FILE, CloseFile> copy_;
};

}  // namespace fallow::replay
