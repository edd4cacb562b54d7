#include "cli/serve/serve_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

// Rejects the ID -1, which means "do not change" in setresuid().
const passwd* entry_of(const std::string& name) {
  const auto number = parse_count(name);
  if (number && *number < std::numeric_limits<uid_t>::max()) return getpwuid(static_cast<uid_t>(*number));
  return getpwnam(name.c_str());
}

}  // namespace

std::optional<UserIds> find_user(const std::string& name, std::string* error) {
  const passwd* const entry = entry_of(name);
  if (entry == nullptr) {
    *error = fmt::format("there is no user '{}'", name);
    return {};
  }
  UserIds ids{entry->pw_uid, entry->pw_gid, {}};
  const std::string login = entry->pw_name;
  int count = 64;
  ids.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(login.c_str(), ids.group, ids.groups.data(), &count) < 0) {
    ids.groups.resize(static_cast<std::size_t>(count));
    getgrouplist(login.c_str(), ids.group, ids.groups.data(), &count);
  }
  ids.groups.resize(static_cast<std::size_t>(count));
  if (geteuid() != 0 && geteuid() != ids.user) {
    *error = fmt::format("only root can become user '{}'", name);
    return {};
  }
  return ids;
}

std::string become_user(const UserIds& ids) {
  if (geteuid() == ids.user && geteuid() != 0) return {};
  if (setgroups(ids.groups.size(), ids.groups.data()) != 0)
    return fmt::format("setgroups: {}", std::strerror(errno));
  if (setresgid(ids.group, ids.group, ids.group) != 0)
    return fmt::format("setresgid: {}", std::strerror(errno));
  if (setresuid(ids.user, ids.user, ids.user) != 0) return fmt::format("setresuid: {}", std::strerror(errno));
  return {};
}

}  // namespace fallow::cli
