// The log of `fallow serve`: one line for each event, as text or as JSON.
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

// A field of a log line, in addition to the message.
struct LogField {
  const char* name;
  std::variant<std::uint64_t, std::string_view> value;
};

// Thread-safe and non-blocking. If the log is a full pipe, lines are dropped, and the next line that fits is
// preceded by their number.
class ServeLog {
 public:
  // Writes to `file`, which the caller owns and may replace with dup2() at any time.
  ServeLog(int file, LogFormat format, LogLevel least);
  ~ServeLog();
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  // Changes the lowest level of write().
  void set_level(LogLevel least) noexcept;

  // Writes a line. `event` is a stable keyword for programs; `sentence` is for people.
  //
  //   2026-01-02T03:04:05.678Z warning  message refused: size 0 (guest 3, socket /run/a)
  //   {"time":"2026-01-02T03:04:05.678Z","level":"warning","event":"refused","message":"message ...
  // Returns false if the line was dropped.
  bool write(LogLevel level, const char* event, const std::string& sentence,
             const std::vector<LogField>& fields = {}) noexcept;

  // Writes a line, including its newline, that the ServeLog of another process formatted.
  void pass_on(std::string_view line) noexcept;

 private:
  class Sink;

  LogFormat format_;
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace fallow::cli
