// Texts without a C library: the guest's names for the text types of the core.
#pragma once

#include "fallow/base/detail/fixed_string.h"
#include "fallow/base/detail/string_ref.h"

namespace fallow::guest {

using detail::FixedString;
using detail::StringRef;

// Long enough for an error message.
using Sentence = FixedString<240>;

}  // namespace fallow::guest
