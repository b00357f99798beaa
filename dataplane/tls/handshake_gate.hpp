// SPDX-License-Identifier: Apache-2.0
// Who may begin another full handshake: asked once for each, after its session turned out not to be
// resumed and before anything is signed, which is what a handshake costs.
#pragma once

#include <cstdint>

namespace evergate::tls {

class HandshakeGate {
public:
    // `client`: names the client; 0: one of many behind the same address. Any worker.
    virtual bool admit(std::uint64_t client) noexcept = 0;

protected:
    ~HandshakeGate() = default;
};

}  // namespace evergate::tls
