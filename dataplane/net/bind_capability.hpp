// SPDX-License-Identifier: Apache-2.0
// The right to bind ports below 1024 without being root.
//
// The image's file capability is permitted, not effective: with an effective one the kernel refuses
// to start the program at all where the container may not have it ("drop: ALL"). So we take it into
// use ourselves. Call it on the main thread before any other thread exists: they inherit it.
#pragma once

namespace evergate::net {

// True when CAP_NET_BIND_SERVICE is in force afterwards. False is no error: ports from
// net.ipv4.ip_unprivileged_port_start on need no capability.
bool takeBindCapability() noexcept;

}  // namespace evergate::net
