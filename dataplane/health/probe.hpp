// SPDX-License-Identifier: Apache-2.0
// One health check of one endpoint: connects, asks if the check is http, and says how it went.
//
// An ordinary coroutine on the control thread's executor; the whole check has one deadline. Never
// throws for what the endpoint does. https: over TLS; the certificate is verified when the backend
// asks for it, as for requests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "common/model/values.hpp"

namespace evergate::health {

struct ProbeTarget {
    boost::asio::ip::tcp::endpoint where;
    std::shared_ptr<const model::Backend>
        policy;  // never null; policy->healthCheck says what to do
};

struct ProbeResult {
    bool good = false;
    // For people, never longer than 200 bytes: "status 200", "connect: Connection refused".
    std::string detail;
};

boost::asio::awaitable<ProbeResult> probe(ProbeTarget target);

}  // namespace evergate::health
