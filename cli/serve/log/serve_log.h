// The log of `fallow serve`: a line for each thing that happened, for people or for programs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spdlog {
class logger;
}

namespace fallow::cli {

enum class LogFormat : std::uint8_t { Text, Json };
enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

// What belongs to a line beside its sentence.
struct LogField {
  const char* name;
  std::variant<std::uint64_t, std::string_view> value;
};

// Any thread. Nothing here waits: when a pipe is full, because whoever reads the log does not, lines are
// left out, and the next that fits says how many.
class ServeLog {
 public:
  // Writes to `file`, which stays the caller's: another file may be put in its place with dup2() at any time.
  ServeLog(int file, LogFormat format, LogLevel least);
  ~ServeLog();
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  // `event` is the line's kind, in a word that programs may count on; `sentence` is for people.
  //
  //   2026-01-02T03:04:05.678Z warning  a guest's message was refused: size 0 (guest 3, socket /run/a)
  //   {"time":"2026-01-02T03:04:05.678Z","level":"warning","event":"refused","message":"a guest's ...
  // False: the line was left out.
  bool write(LogLevel level, const char* event, const std::string& sentence,
             const std::vector<LogField>& fields = {}) noexcept;

  // A line, with its end, that another process's ServeLog made.
  void pass_on(std::string_view line) noexcept;

 private:
  class Sink;

  LogFormat format_;
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace fallow::cli
