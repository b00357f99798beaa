// SPDX-License-Identifier: Apache-2.0
// The authorities that certificates of endpoints or clients must come from: ca.crt of the Secret
// that evergate.io/backend-tls-ca or client-ca names. Pure; one translation; borrows the store.
//
// Only what OpenSSL reads as certificates leaves here, written anew: whatever else somebody put
// under that name stays in the controller.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controller/objects/object_store.hpp"

namespace evergate::controller {

struct Authorities {
    std::string pem;    // empty: there are none
    std::string fault;  // why, for people
};

// The X.509 CRLs of a PEM text, and nothing else of it; nothing when one cannot be read, there is
// none, or they are too large.
std::optional<std::string> revocationsOf(const std::string& text);

class BackendAuthorities {
public:
    // `secretsRead`: without an https listener no Secret is.
    BackendAuthorities(const ObjectStore& store, bool secretsRead)
        : store_(store), secretsRead_(secretsRead) {}

    const Authorities& of(const ObjectName& secret);

private:
    Authorities read(const ObjectName& secret) const;

    const ObjectStore& store_;
    bool secretsRead_;
    std::map<ObjectName, Authorities> known_;
};

}  // namespace evergate::controller
