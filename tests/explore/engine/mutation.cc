#include "tests/explore/engine/mutation.h"

#include <cstring>

namespace fallow::explore {
namespace {

// Returns the file's path relative to the source folder.
const char* short_name(const char* path) {
  const char* last = path;
  for (const char* at = std::strstr(path, "fallow/"); at != nullptr; at = std::strstr(at + 1, "fallow/"))
    last = at;
  return last;
}

std::vector<std::memory_order> weaker(std::memory_order order, AccessSite::Kind kind) {
  constexpr auto kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
                 kRelease = std::memory_order_release, kBoth = std::memory_order_acq_rel;
  switch (order) {
    case std::memory_order_seq_cst:
      if (kind == AccessSite::Kind::Load) return {kAcquire, kRelaxed};
      if (kind == AccessSite::Kind::Store) return {kRelease, kRelaxed};
      return {kBoth, kAcquire, kRelease, kRelaxed};
    case std::memory_order_acq_rel:
      return {kAcquire, kRelease, kRelaxed};
    case std::memory_order_relaxed:
      return {};
    default:
      return {kRelaxed};
  }
}

}  // namespace

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      break;
  }
  return "seq_cst";
}

AccessSite site_of(const Site& at, AccessSite::Kind kind, std::memory_order order,
                   std::memory_order failure) {
  return {short_name(at.file_name()), at.line(), kind, order, failure};
}

bool Mutation::applies(const Site& at, AccessSite::Kind kind) const {
  return at.line() == site.line && kind == site.kind && site.file == short_name(at.file_name());
}

std::string to_text(const Mutation& m) {
  std::string text = m.site.file + ':' + std::to_string(m.site.line) + ": ";
  if (m.split) return text + "read-modify-write split into load and store";
  text += name_of(m.site.order);
  if (m.order != m.site.order) return text + " -> " + name_of(m.order);
  return text + " (on failure " + name_of(m.site.failure) + " -> " + name_of(m.failure) + ")";
}

std::vector<Mutation> mutations_of(const AccessSite& site) {
  std::vector<Mutation> all;
  for (const std::memory_order order : weaker(site.order, site.kind))
    all.push_back({site, order, site.failure});
  if (site.kind == AccessSite::Kind::CompareExchange) {
    for (const std::memory_order order : weaker(site.failure, AccessSite::Kind::Load))
      all.push_back({site, site.order, order});
  }
  if (site.kind == AccessSite::Kind::Modify || site.kind == AccessSite::Kind::CompareExchange)
    all.push_back({site, site.order, site.failure, true});
  return all;
}

}  // namespace fallow::explore
