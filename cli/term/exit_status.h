// The exit statuses of the command line.
#pragma once

namespace fallow::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
// Exit status of a guest's supervisor whose workers died.
inline constexpr int kExitQuarantined = 3;
inline constexpr int kExitSignal = 128;  // plus the number of the signal

}  // namespace fallow::cli
