// The handlers of the requests, by subject (handle_*.cc). Each applies one message to a copy of the settings.
#pragma once

#include "vhost_user/session/message_context.h"

namespace fallow::vhost {

Verdict get_features(MessageContext& m) noexcept;
Verdict set_features(MessageContext& m) noexcept;
Verdict set_protocol_features(MessageContext& m) noexcept;
Verdict get_queue_num(MessageContext& m) noexcept;
Verdict set_status(MessageContext& m) noexcept;
Verdict reset_device(MessageContext& m) noexcept;
Verdict set_backend_req_fd(MessageContext& m) noexcept;

Verdict set_mem_table(MessageContext& m) noexcept;
Verdict add_mem_reg(MessageContext& m) noexcept;
Verdict rem_mem_reg(MessageContext& m) noexcept;

Verdict set_vring_num(MessageContext& m) noexcept;
Verdict set_vring_addr(MessageContext& m) noexcept;
Verdict set_vring_base(MessageContext& m) noexcept;
Verdict get_vring_base(MessageContext& m) noexcept;
Verdict set_vring_enable(MessageContext& m) noexcept;
Verdict set_vring_descriptor(MessageContext& m, int Vring::*which) noexcept;

Verdict get_config(MessageContext& m) noexcept;
Verdict set_config(MessageContext& m) noexcept;
Verdict get_inflight_fd(MessageContext& m) noexcept;
Verdict set_inflight_fd(MessageContext& m) noexcept;

}  // namespace fallow::vhost
