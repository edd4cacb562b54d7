// Another user for the worker of `fallow serve`.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace fallow::cli {

struct UserIds {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

// What the user database says about a name, or a number. Nothing, and `error` is a sentence: there is no such
// user, or this process may not become it.
std::optional<UserIds> find_user(const std::string& name, std::string* error);

// The whole process, all its threads, for good. Empty, or what failed.
std::string become_user(const UserIds& ids);

}  // namespace fallow::cli
