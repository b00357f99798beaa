// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/certificate_cache.hpp"

#include <utility>

namespace evergate::controller {

CertificateCache::Known& CertificateCache::known(const std::shared_ptr<const TlsKeyPair>& pair) {
    const auto [it, inserted] = known_.try_emplace(pair.get());
    Known& known = it->second;
    if (inserted) {
        known.pair = pair;
        known.checked = check_.check(*pair);
    }
    known.run = run_;
    return known;
}

const CheckedCertificate& CertificateCache::check(const std::shared_ptr<const TlsKeyPair>& pair) {
    return known(pair).checked;
}

model::Entry CertificateCache::entry(const std::string& name,
                                     const std::shared_ptr<const TlsKeyPair>& pair,
                                     std::vector<std::string> hosts, const std::string& origin,
                                     const model::ClientVerification& clients) {
    Published& published = known(pair).published[name];
    const auto& value = published.entry.value;
    if (value == nullptr || published.hosts != hosts ||
        std::get<model::Certificate>(*value).clients != clients) {
        published.hosts = hosts;
        published.entry = model::makeEntry(
            model::Certificate{std::move(hosts), pair->chain, pair->key, origin, clients});
    }
    published.run = run_;
    return published.entry;
}

void CertificateCache::endRun() {
    std::erase_if(known_, [this](const auto& each) { return each.second.run != run_; });
    for (auto& [pair, known] : known_) {
        std::erase_if(known.published,
                      [this](const auto& each) { return each.second.run != run_; });
    }
    ++run_;
}

}  // namespace evergate::controller
