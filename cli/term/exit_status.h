// The exit statuses of the command line.
#pragma once

namespace fallow::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
// Of a guest's supervisor: its workers died.
inline constexpr int kExitQuarantined = 3;
inline constexpr int kExitSignal = 128;  // and the signal's number

}  // namespace fallow::cli
