// SPDX-License-Identifier: Apache-2.0
// How TLS handshakes came out: plain integers with one writer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/net/stream_layer.hpp"

namespace evergate::net {

struct HandshakeCounts {
    // The old ones only by a policy that asks for them.
    static constexpr std::array<std::string_view, 4> kVersions{"TLSv1.2", "TLSv1.3", "TLSv1.1",
                                                               "TLSv1"};

    std::array<std::array<std::uint64_t, 2>, kVersions.size()> done{};  // by version, resumed
    std::array<std::uint64_t, static_cast<std::size_t>(HandshakeFailure::count_)> failed{};

    void countDone(const StreamFacts& facts) noexcept {
        std::size_t version = kVersions.size() - 1;
        while (version != 0 && facts.version != kVersions[version])
            --version;
        ++done[version][facts.resumed ? 1 : 0];
    }

    void countFailed(HandshakeFailure failure) noexcept {
        ++failed[static_cast<std::size_t>(failure)];
    }

    void add(const HandshakeCounts& other) noexcept {
        for (std::size_t i = 0; i < done.size(); ++i) {
            done[i][0] += other.done[i][0];
            done[i][1] += other.done[i][1];
        }
        for (std::size_t i = 0; i < failed.size(); ++i)
            failed[i] += other.failed[i];
    }
};

}  // namespace evergate::net
