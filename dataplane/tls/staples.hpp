// SPDX-License-Identifier: Apache-2.0
// Answers of authorities to go with our certificates (OCSP stapling, RFC 6066 §8), for handshakes
// that ask for one.
//
// Immutable once shared: the control thread makes a whole new one when an answer changes and posts
// it to the workers. Rows are found by the certificate OpenSSL has chosen, which the row keeps
// alive: its address is nobody else's meanwhile. An answer whose time is over is not found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "dataplane/tls/certificate.hpp"

namespace evergate::tls {

struct Staple {
    std::string response;         // DER, verified
    std::int64_t nextUpdate = 0;  // UNIX time from which on it is worth nothing
};

class Staples {
public:
    void add(std::shared_ptr<const Certificate> certificate, std::shared_ptr<const Staple> staple) {
        const X509* const leaf = certificate->leaf();
        rows_.insert_or_assign(leaf, Row{std::move(certificate), std::move(staple)});
    }

    // Null: none that holds at `now`.
    const Staple* find(const X509* leaf, std::int64_t now) const noexcept {
        const auto at = rows_.find(leaf);
        return at == rows_.end() || at->second.staple->nextUpdate <= now ? nullptr
                                                                         : at->second.staple.get();
    }

    std::size_t size() const noexcept { return rows_.size(); }

private:
    struct Row {
        std::shared_ptr<const Certificate> certificate;
        std::shared_ptr<const Staple> staple;
    };

    std::unordered_map<const X509*, Row> rows_;
};

}  // namespace evergate::tls
