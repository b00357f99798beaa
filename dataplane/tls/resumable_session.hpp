// SPDX-License-Identifier: Apache-2.0
// The last TLS session one endpoint granted us, for the next connection to it.
//
// Only for the same trust and the same server name: a resumed session is not verified again. One
// worker thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dataplane/tls/client_context.hpp"

namespace evergate::tls {

class ResumableSession {
public:
    // Null when there is none that fits.
    SSL_SESSION* find(const std::shared_ptr<const ClientContext>& context,
                      std::string_view serverName) const noexcept {
        return context == context_ && serverName == serverName_ ? session_.get() : nullptr;
    }

    void keep(const std::shared_ptr<const ClientContext>& context, std::string_view serverName,
              OpensslPtr<SSL_SESSION> session) {
        context_ = context;
        serverName_ = serverName;
        session_ = std::move(session);
    }

private:
    std::shared_ptr<const ClientContext> context_;
    std::string serverName_;
    OpensslPtr<SSL_SESSION> session_;
};

}  // namespace evergate::tls
