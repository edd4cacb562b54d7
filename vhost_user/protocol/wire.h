// The vhost-user protocol on the wire, as QEMU specifies it (docs/interop/vhost-user.rst). All numbers are in
// the host's byte order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fallow::vhost {

struct Header {
  std::uint32_t request = 0;
  std::uint32_t flags = 0;
  std::uint32_t size = 0;  // of the payload that follows
};
static_assert(sizeof(Header) == 12 && offsetof(Header, size) == 8);

inline constexpr std::uint32_t kVhostVersionMask = 3, kVhostVersion = 1, kVhostReply = 4, kVhostNeedReply = 8;

// Feature bit 30: the peers negotiate protocol features, and rings start disabled. Virtio drivers never see
// this bit.
inline constexpr std::uint64_t kVhostFProtocolFeatures = std::uint64_t{1} << 30;

// Front-end message types.
enum class Request : std::uint32_t {
  GetFeatures = 1,
  SetFeatures = 2,
  SetOwner = 3,
  ResetOwner = 4,
  SetMemTable = 5,
  SetLogBase = 6,
  SetLogFd = 7,
  SetVringNum = 8,
  SetVringAddr = 9,
  SetVringBase = 10,
  GetVringBase = 11,
  SetVringKick = 12,
  SetVringCall = 13,
  SetVringErr = 14,
  GetProtocolFeatures = 15,
  SetProtocolFeatures = 16,
  GetQueueNum = 17,
  SetVringEnable = 18,
  SendRarp = 19,
  NetSetMtu = 20,
  SetBackendReqFd = 21,
  IotlbMsg = 22,
  SetVringEndian = 23,
  GetConfig = 24,
  SetConfig = 25,
  CreateCryptoSession = 26,
  CloseCryptoSession = 27,
  PostcopyAdvise = 28,
  PostcopyListen = 29,
  PostcopyEnd = 30,
  GetInflightFd = 31,
  SetInflightFd = 32,
  GpuSetSocket = 33,
  ResetDevice = 34,
  VringKick = 35,
  GetMaxMemSlots = 36,
  AddMemReg = 37,
  RemMemReg = 38,
  SetStatus = 39,
  GetStatus = 40,
  GetSharedObject = 41,
  SetDeviceStateFd = 42,
  CheckDeviceState = 43,
  GetShmemConfig = 44,
};
inline constexpr std::uint32_t kVhostRequests = 45;  // one more than the highest

// Back-end message types.
enum class BackendRequest : std::uint32_t {
  IotlbMsg = 1,
  ConfigChangeMsg = 2,
  VringHostNotifierMsg = 3,
  VringCall = 4,
  VringErr = 5,
  SharedObjectAdd = 6,
  SharedObjectRemove = 7,
  SharedObjectLookup = 8,
};

// Protocol features (VHOST_USER_PROTOCOL_F_*).
constexpr std::uint64_t vhost_protocol_feature(unsigned bit) noexcept { return std::uint64_t{1} << bit; }
inline constexpr std::uint64_t kVhostPfMq = vhost_protocol_feature(0),
                               kVhostPfLogShmfd = vhost_protocol_feature(1),
                               kVhostPfRarp = vhost_protocol_feature(2),
                               kVhostPfReplyAck = vhost_protocol_feature(3),
                               kVhostPfMtu = vhost_protocol_feature(4),
                               kVhostPfBackendReq = vhost_protocol_feature(5),
                               kVhostPfCrossEndian = vhost_protocol_feature(6),
                               kVhostPfCryptoSession = vhost_protocol_feature(7),
                               kVhostPfPagefault = vhost_protocol_feature(8),
                               kVhostPfConfig = vhost_protocol_feature(9),
                               kVhostPfBackendSendFd = vhost_protocol_feature(10),
                               kVhostPfHostNotifier = vhost_protocol_feature(11),
                               kVhostPfInflightShmfd = vhost_protocol_feature(12),
                               kVhostPfResetDevice = vhost_protocol_feature(13),
                               kVhostPfInbandNotifications = vhost_protocol_feature(14),
                               kVhostPfConfigureMemSlots = vhost_protocol_feature(15),
                               kVhostPfStatus = vhost_protocol_feature(16),
                               kVhostPfXenMmap = vhost_protocol_feature(17),
                               kVhostPfSharedObject = vhost_protocol_feature(18),
                               kVhostPfDeviceState = vhost_protocol_feature(19);

// ---- Payloads. Most of the other requests carry one u64. ----

struct VringState {
  std::uint32_t index = 0;
  std::uint32_t num = 0;
};
static_assert(sizeof(VringState) == 8);

// Ring addresses are user addresses, as in Region::user_address.
struct VringAddr {
  std::uint32_t index = 0;
  std::uint32_t flags = 0;  // bit 0: writes to the used ring are logged
  std::uint64_t descriptors = 0;
  std::uint64_t used = 0;
  std::uint64_t available = 0;
  std::uint64_t log = 0;
};
static_assert(sizeof(VringAddr) == 40 && offsetof(VringAddr, used) == 16);

// The u64 of SET_VRING_KICK, SET_VRING_CALL and SET_VRING_ERR.
inline constexpr std::uint64_t kVhostVringIndexMask = 0xff, kVhostVringNoFd = 0x100;

struct Region {
  std::uint64_t guest_address = 0;
  std::uint64_t size = 0;
  std::uint64_t user_address = 0;
  std::uint64_t mmap_offset = 0;  // offset of the region in its file
};
static_assert(sizeof(Region) == 32);

// SET_MEM_TABLE: this header and `count` regions. A front-end may send a longer payload than it fills.
struct MemTable {
  std::uint32_t count = 0;
  std::uint32_t padding = 0;
};
static_assert(sizeof(MemTable) == 8);

// ADD_MEM_REG, REM_MEM_REG.
struct MemReg {
  std::uint64_t padding = 0;
  Region region;
};
static_assert(sizeof(MemReg) == 40);

// GET_CONFIG, SET_CONFIG: this header and `size` bytes.
struct ConfigHead {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};
static_assert(sizeof(ConfigHead) == 12);
inline constexpr std::uint32_t kVhostConfigWritable = 0, kVhostConfigMigration = 1;
inline constexpr std::uint32_t kVhostMaxConfig = 256;

// GET_INFLIGHT_FD, SET_INFLIGHT_FD. Some front-ends send it packed, in 20 bytes.
struct InflightDescription {
  std::uint64_t mmap_size = 0;
  std::uint64_t mmap_offset = 0;
  std::uint16_t queues = 0;
  std::uint16_t queue_size = 0;
};
static_assert(sizeof(InflightDescription) == 24 && offsetof(InflightDescription, queue_size) == 18);
inline constexpr std::uint32_t kVhostInflightPacked = 20;

inline constexpr std::uint32_t kVhostMaxRegions = 64;
// The longest possible payload: SET_MEM_TABLE with the maximum number of regions.
inline constexpr std::uint32_t kVhostMaxPayload = sizeof(MemTable) + kVhostMaxRegions * sizeof(Region);

}  // namespace fallow::vhost
