// SPDX-License-Identifier: Apache-2.0
// One health check of one endpoint: connects, asks if the check is http or grpc, and says how it
// went.
//
// An ordinary coroutine on the control thread's executor; the whole check has one deadline. Never
// throws for what the endpoint does. https: over TLS; the certificate is verified when the backend
// asks for it, as for requests. Where endpoints expect the PROXY protocol the check says first that
// it speaks for nobody.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "common/model/values.hpp"
#include "dataplane/health/probe_result.hpp"
#include "dataplane/net/connect.hpp"
#include "dataplane/tls/certificate.hpp"

namespace evergate::health {

struct ProbeTarget {
    boost::asio::ip::tcp::endpoint where;
    std::shared_ptr<const model::Backend>
        policy;           // never null; policy->healthCheck says what to do
    bool ownPort = true;  // `where` is where requests go, too, and speaks what they speak
    std::shared_ptr<net::SourceAddresses> sources;    // of the connection; null: any
    std::shared_ptr<const tls::Certificate> shown{};  // to who asks for one; null: none
};

boost::asio::awaitable<ProbeResult> probe(ProbeTarget target);

}  // namespace evergate::health
