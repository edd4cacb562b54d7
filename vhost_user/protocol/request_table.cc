#include "vhost_user/protocol/request_table.h"

#include <array>
#include <cstddef>

namespace fallow::vhost {
namespace {

constexpr std::uint16_t kU64 = 8, kState = sizeof(VringState), kRegion = sizeof(MemReg);

constexpr RequestRule plain(const char* name, std::uint16_t size, std::uint64_t needs = 0) {
  return {name, true, false, size, size, 0, 0, needs};
}
constexpr RequestRule with_fds(const char* name, std::uint16_t size, std::uint16_t min, std::uint16_t max,
                               std::uint64_t needs = 0) {
  return {name, true, false, size, size, min, max, needs};
}
constexpr RequestRule asks(const char* name, std::uint16_t size, std::uint64_t needs = 0) {
  return {name, true, true, size, size, 0, 0, needs};
}
// Known but never offered: any payload and descriptors are read and dropped.
constexpr RequestRule foreign(const char* name) { return {name}; }
constexpr RequestRule foreign_question(const char* name, NotAllowed no) {
  RequestRule rule{name, false, true};
  rule.no = no;
  return rule;
}

constexpr auto kRules = [] {
  using enum Request;
  std::array<RequestRule, kVhostRequests> rules{};
  const auto set = [&rules](Request request, const RequestRule& rule) {
    rules[static_cast<std::size_t>(request)] = rule;
  };
  set(GetFeatures, asks("GET_FEATURES", 0));
  set(SetFeatures, plain("SET_FEATURES", kU64));
  set(SetOwner, plain("SET_OWNER", 0));
  set(ResetOwner, plain("RESET_OWNER", 0));
  RequestRule table = with_fds("SET_MEM_TABLE", sizeof(MemTable), 0, kVhostMaxRegions);
  table.max_size = kVhostMaxPayload;
  set(SetMemTable, table);
  set(SetLogBase, foreign("SET_LOG_BASE"));
  set(SetLogFd, foreign("SET_LOG_FD"));
  set(SetVringNum, plain("SET_VRING_NUM", kState));
  set(SetVringAddr, plain("SET_VRING_ADDR", sizeof(VringAddr)));
  set(SetVringBase, plain("SET_VRING_BASE", kState));
  set(GetVringBase, asks("GET_VRING_BASE", kState));
  set(SetVringKick, with_fds("SET_VRING_KICK", kU64, 0, 1));
  set(SetVringCall, with_fds("SET_VRING_CALL", kU64, 0, 1));
  set(SetVringErr, with_fds("SET_VRING_ERR", kU64, 0, 1));
  set(GetProtocolFeatures, asks("GET_PROTOCOL_FEATURES", 0));
  set(SetProtocolFeatures, plain("SET_PROTOCOL_FEATURES", kU64));
  set(GetQueueNum, asks("GET_QUEUE_NUM", 0));
  set(SetVringEnable, plain("SET_VRING_ENABLE", kState));
  set(SendRarp, foreign("SEND_RARP"));
  set(NetSetMtu, foreign("NET_SET_MTU"));
  set(SetBackendReqFd, with_fds("SET_BACKEND_REQ_FD", 0, 1, 1, kVhostPfBackendReq));
  set(IotlbMsg, foreign_question("IOTLB_MSG", NotAllowed::Value));
  set(SetVringEndian, foreign("SET_VRING_ENDIAN"));
  RequestRule config = asks("GET_CONFIG", sizeof(ConfigHead), kVhostPfConfig);
  config.max_size = kVhostMaxPayload;
  set(GetConfig, config);
  config = plain("SET_CONFIG", sizeof(ConfigHead), kVhostPfConfig);
  config.max_size = kVhostMaxPayload;
  set(SetConfig, config);
  set(CreateCryptoSession, foreign_question("CREATE_CRYPTO_SESSION", NotAllowed::Impossible));
  set(CloseCryptoSession, foreign("CLOSE_CRYPTO_SESSION"));
  set(PostcopyAdvise, foreign_question("POSTCOPY_ADVISE", NotAllowed::Empty));
  set(PostcopyListen, foreign("POSTCOPY_LISTEN"));
  set(PostcopyEnd, foreign_question("POSTCOPY_END", NotAllowed::Value));
  RequestRule inflight = asks("GET_INFLIGHT_FD", kVhostInflightPacked, kVhostPfInflightShmfd);
  inflight.max_size = sizeof(InflightDescription);
  set(GetInflightFd, inflight);
  inflight = with_fds("SET_INFLIGHT_FD", kVhostInflightPacked, 1, 1, kVhostPfInflightShmfd);
  inflight.max_size = sizeof(InflightDescription);
  set(SetInflightFd, inflight);
  set(GpuSetSocket, foreign("GPU_SET_SOCKET"));
  set(ResetDevice, plain("RESET_DEVICE", 0, kVhostPfResetDevice));
  set(VringKick, foreign("VRING_KICK"));
  set(GetMaxMemSlots, asks("GET_MAX_MEM_SLOTS", 0, kVhostPfConfigureMemSlots));
  set(AddMemReg, with_fds("ADD_MEM_REG", kRegion, 1, 1, kVhostPfConfigureMemSlots));
  // Some front-ends send one descriptor, which must be closed unused.
  set(RemMemReg, with_fds("REM_MEM_REG", kRegion, 0, 1, kVhostPfConfigureMemSlots));
  set(SetStatus, plain("SET_STATUS", kU64, kVhostPfStatus));
  set(GetStatus, asks("GET_STATUS", 0, kVhostPfStatus));
  set(GetSharedObject, foreign_question("GET_SHARED_OBJECT", NotAllowed::Empty));
  set(SetDeviceStateFd, foreign_question("SET_DEVICE_STATE_FD", NotAllowed::Value));
  set(CheckDeviceState, foreign_question("CHECK_DEVICE_STATE", NotAllowed::Value));
  set(GetShmemConfig, foreign_question("GET_SHMEM_CONFIG", NotAllowed::Impossible));
  return rules;
}();

}  // namespace

const RequestRule* vhost_rule(std::uint32_t request) noexcept {
  if (request >= kVhostRequests || kRules[request].name == nullptr) return nullptr;
  return &kRules[request];
}

const char* vhost_request_name(std::uint32_t request) noexcept {
  const RequestRule* const rule = vhost_rule(request);
  return rule == nullptr ? "an unknown request" : rule->name;
}

}  // namespace fallow::vhost
