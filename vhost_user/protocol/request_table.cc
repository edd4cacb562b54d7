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
constexpr RequestRule with_reply(const char* name, std::uint16_t size, std::uint64_t needs = 0) {
  return {name, true, true, size, size, 0, 0, needs};
}
// Known but never offered: any payload and descriptors are read and dropped.
constexpr RequestRule unsupported(const char* name) { return {name}; }
constexpr RequestRule unsupported_with_reply(const char* name, RefusalReply refusal) {
  RequestRule rule{name, false, true};
  rule.refusal = refusal;
  return rule;
}

constexpr auto kRules = [] {
  using enum Request;
  std::array<RequestRule, kVhostRequests> rules{};
  const auto set = [&rules](Request request, const RequestRule& rule) {
    rules[static_cast<std::size_t>(request)] = rule;
  };
  set(GetFeatures, with_reply("GET_FEATURES", 0));
  set(SetFeatures, plain("SET_FEATURES", kU64));
  set(SetOwner, plain("SET_OWNER", 0));
  set(ResetOwner, plain("RESET_OWNER", 0));
  RequestRule table = with_fds("SET_MEM_TABLE", sizeof(MemTable), 0, kVhostMaxRegions);
  table.max_size = kVhostMaxPayload;
  set(SetMemTable, table);
  set(SetLogBase, unsupported("SET_LOG_BASE"));
  set(SetLogFd, unsupported("SET_LOG_FD"));
  set(SetVringNum, plain("SET_VRING_NUM", kState));
  set(SetVringAddr, plain("SET_VRING_ADDR", sizeof(VringAddr)));
  set(SetVringBase, plain("SET_VRING_BASE", kState));
  set(GetVringBase, with_reply("GET_VRING_BASE", kState));
  set(SetVringKick, with_fds("SET_VRING_KICK", kU64, 0, 1));
  set(SetVringCall, with_fds("SET_VRING_CALL", kU64, 0, 1));
  set(SetVringErr, with_fds("SET_VRING_ERR", kU64, 0, 1));
  set(GetProtocolFeatures, with_reply("GET_PROTOCOL_FEATURES", 0));
  set(SetProtocolFeatures, plain("SET_PROTOCOL_FEATURES", kU64));
  set(GetQueueNum, with_reply("GET_QUEUE_NUM", 0));
  set(SetVringEnable, plain("SET_VRING_ENABLE", kState));
  set(SendRarp, unsupported("SEND_RARP"));
  set(NetSetMtu, unsupported("NET_SET_MTU"));
  set(SetBackendReqFd, with_fds("SET_BACKEND_REQ_FD", 0, 1, 1, kVhostPfBackendReq));
  set(IotlbMsg, unsupported_with_reply("IOTLB_MSG", RefusalReply::Value));
  set(SetVringEndian, unsupported("SET_VRING_ENDIAN"));
  RequestRule config = with_reply("GET_CONFIG", sizeof(ConfigHead), kVhostPfConfig);
  config.max_size = kVhostMaxPayload;
  set(GetConfig, config);
  config = plain("SET_CONFIG", sizeof(ConfigHead), kVhostPfConfig);
  config.max_size = kVhostMaxPayload;
  set(SetConfig, config);
  set(CreateCryptoSession, unsupported_with_reply("CREATE_CRYPTO_SESSION", RefusalReply::None));
  set(CloseCryptoSession, unsupported("CLOSE_CRYPTO_SESSION"));
  set(PostcopyAdvise, unsupported_with_reply("POSTCOPY_ADVISE", RefusalReply::Empty));
  set(PostcopyListen, unsupported("POSTCOPY_LISTEN"));
  set(PostcopyEnd, unsupported_with_reply("POSTCOPY_END", RefusalReply::Value));
  RequestRule inflight = with_reply("GET_INFLIGHT_FD", kVhostInflightPacked, kVhostPfInflightShmfd);
  inflight.max_size = sizeof(InflightDescription);
  set(GetInflightFd, inflight);
  inflight = with_fds("SET_INFLIGHT_FD", kVhostInflightPacked, 1, 1, kVhostPfInflightShmfd);
  inflight.max_size = sizeof(InflightDescription);
  set(SetInflightFd, inflight);
  set(GpuSetSocket, unsupported("GPU_SET_SOCKET"));
  set(ResetDevice, plain("RESET_DEVICE", 0, kVhostPfResetDevice));
  set(VringKick, unsupported("VRING_KICK"));
  set(GetMaxMemSlots, with_reply("GET_MAX_MEM_SLOTS", 0, kVhostPfConfigureMemSlots));
  set(AddMemReg, with_fds("ADD_MEM_REG", kRegion, 1, 1, kVhostPfConfigureMemSlots));
  // Some front-ends send one descriptor, which must be closed unused.
  set(RemMemReg, with_fds("REM_MEM_REG", kRegion, 0, 1, kVhostPfConfigureMemSlots));
  set(SetStatus, plain("SET_STATUS", kU64, kVhostPfStatus));
  set(GetStatus, with_reply("GET_STATUS", 0, kVhostPfStatus));
  set(GetSharedObject, unsupported_with_reply("GET_SHARED_OBJECT", RefusalReply::Empty));
  set(SetDeviceStateFd, unsupported_with_reply("SET_DEVICE_STATE_FD", RefusalReply::Value));
  set(CheckDeviceState, unsupported_with_reply("CHECK_DEVICE_STATE", RefusalReply::Value));
  set(GetShmemConfig, unsupported_with_reply("GET_SHMEM_CONFIG", RefusalReply::None));
  return rules;
}();

}  // namespace

const RequestRule* request_rule(std::uint32_t request) noexcept {
  if (request >= kVhostRequests || kRules[request].name == nullptr) return nullptr;
  return &kRules[request];
}

const char* request_name(std::uint32_t request) noexcept {
  const RequestRule* const rule = request_rule(request);
  return rule == nullptr ? "an unknown request" : rule->name;
}

}  // namespace fallow::vhost
