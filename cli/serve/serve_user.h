// Runs the processes of `fallow serve` as another user.
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

// Looks up a user by name or number. Fails, and sets `error`, if there is no such user or this process may
// not become that user.
std::optional<UserIds> find_user(const std::string& name, std::string* error);

// Changes the user of the whole process, permanently. Returns an error text, or empty.
std::string become_user(const UserIds& ids);

}  // namespace fallow::cli
