// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/tls_compiler.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "common/model/backend_protocol.hpp"
#include "dataplane/tls/client_context.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::dataplane {
namespace {

// Verification, authorities, what is shown.
using TrustKey = std::tuple<bool, std::string, std::shared_ptr<const tls::Certificate>>;
using TrustMap = std::map<TrustKey, std::shared_ptr<const tls::ClientContext>>;

bool needsCertificates(const Candidate& candidate, const routing::Snapshot& snapshot) {
    return candidate.config->count(model::Kind::certificate) != 0 ||
           std::any_of(snapshot.listeners.begin(), snapshot.listeners.end(), [](const auto& spec) {
               return spec.listener.protocol == model::ListenerProtocol::https ||
                      spec.listener.protocol == model::ListenerProtocol::tls;
           });
}

// Few backends differ in whom they trust: they share a context, and reading the system's
// authorities happens once.
TrustMap trustOf(const routing::Snapshot* serving) {
    TrustMap known;
    if (serving == nullptr)
        return known;
    for (const auto& backend : serving->backends) {
        if (const auto& trust = backend.trust)
            known[{trust->verifies(), trust->authorities(), trust->shown()}] = trust;
    }
    return known;
}

void compileTrust(const Candidate& candidate, routing::Snapshot& snapshot,
                  std::vector<model::KeyedProblem>& problems) {
    TrustMap known = trustOf(candidate.serving.get());
    for (auto& backend : snapshot.backends) {
        if (!model::usesTls(backend.policy->protocol))
            continue;
        const bool verify = backend.policy->tlsVerify;
        const std::string authorities = verify ? backend.policy->tlsAuthorities : "";
        const std::string& shown = backend.policy->tlsCertificate;
        auto certificate =
            shown.empty() || !snapshot.certificates ? nullptr : snapshot.certificates->named(shown);
        auto& trust = known[{verify, authorities, certificate}];
        std::string wrong;
        if (!trust)
            trust = tls::ClientContext::make(verify, authorities, wrong, std::move(certificate));
        backend.trust = trust;
        if (!trust) {
            const model::Key key{model::Kind::backend, backend.name};
            problems.push_back({key, {model::toText(key) + ".tlsAuthorities", std::move(wrong)}});
        }
    }
}

}  // namespace

void compileTls(const Candidate& candidate, routing::Snapshot& snapshot,
                std::vector<model::KeyedProblem>& problems) {
    std::vector<model::KeyedProblem> found;
    if (needsCertificates(candidate, snapshot)) {
        const auto* before = candidate.serving ? candidate.serving->certificates.get() : nullptr;
        snapshot.certificates = tls::ServerCertificates::compile(
            *candidate.config, candidate.fallbackCertificate, before, found);
    }
    compileTrust(candidate, snapshot, problems);
    std::move(found.begin(), found.end(), std::back_inserter(problems));
}

}  // namespace evergate::dataplane
