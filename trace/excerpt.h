// Quotes text of a trace in an error message.
#pragma once

#include <string>
#include <string_view>

namespace fallow::trace {

// Returns the first 60 bytes, followed by "..." if there are more. Bytes that are not printable ASCII become
// \x00.
std::string excerpt(std::string_view text);

}  // namespace fallow::trace
