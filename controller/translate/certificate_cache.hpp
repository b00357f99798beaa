// SPDX-License-Identifier: Apache-2.0
// What is known of certificates from one translation to the next, so that only changed ones are
// looked at again: 2,000 of them take a second. Changes how long a translation takes, never what it
// says. Belongs to a source; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/config.hpp"
#include "controller/translate/certificate_check.hpp"

namespace evergate::controller {

class CertificateCache {
public:
    // Good until the end of the next run.
    const CheckedCertificate& check(const std::shared_ptr<const TlsKeyPair>& pair);
    // The value to publish under `name`, with its hash.
    model::Entry entry(const std::string& name, const std::shared_ptr<const TlsKeyPair>& pair,
                       std::vector<std::string> hosts, const std::string& origin,
                       const model::ClientVerification& clients = {});
    // The end of a run: forgets what it had no use for.
    void endRun();

private:
    struct Published {
        std::vector<std::string> hosts;
        model::Entry entry;
        std::uint64_t run = 0;
    };

    struct Known {
        // Keeps its address from being another's.
        std::shared_ptr<const TlsKeyPair> pair;
        CheckedCertificate checked;
        std::map<std::string, Published> published;  // by name, which tells the origin
        std::uint64_t run = 0;
    };

    Known& known(const std::shared_ptr<const TlsKeyPair>& pair);

    CertificateCheck check_;
    std::map<const TlsKeyPair*, Known> known_;
    std::uint64_t run_ = 1;
};

}  // namespace evergate::controller
