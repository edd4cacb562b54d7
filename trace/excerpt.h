// Text of a trace, for an error message.
#pragma once

#include <string>
#include <string_view>

namespace fallow::trace {

// The first 60 bytes, and "..." if there are more; what is not printable ASCII as \x00.
std::string excerpt(std::string_view text);

}  // namespace fallow::trace
