// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/route_policy.hpp"

#include <algorithm>

#include "common/model/syntax.hpp"

namespace evergate::routing {

namespace {

// Validation refused what may not be edited; nothing of it may get here, whoever forgot to ask.
HeaderEdits compileEdits(const std::vector<model::HeaderField>& set,
                         const std::vector<std::string>& remove, bool tellsClient = false) {
    HeaderEdits edits;
    for (const model::HeaderField& field : set) {
        // What is told about clients comes from the handshake and nowhere else.
        if (tellsClient && field.name.starts_with("x-ssl-client-")) {
            continue;
        }
        if (model::isLowerCaseToken(field.name) && model::isEditableHeader(field.name) &&
            model::isHeaderValue(field.value)) {
            edits.drop.push_back(field.name);
            edits.add.append(field.name).append(": ").append(field.value).append("\r\n");
        }
    }
    for (const std::string& name : remove) {
        if (model::isEditableHeader(name)) {
            edits.drop.push_back(name);
        }
    }
    return edits;
}

// The backend learns what was taken away; what the client says about that is not believed. A route
// that sets the header itself has the last word.
void tellPrefix(const PathRewrite& rewrite, HeaderEdits& edits) {
    static constexpr char kName[] = "x-forwarded-prefix";
    if (std::find(edits.drop.begin(), edits.drop.end(), kName) != edits.drop.end()) {
        return;
    }
    edits.drop.emplace_back(kName);
    if (!rewrite.prefix().empty()) {
        edits.add.append("X-Forwarded-Prefix: ").append(rewrite.prefix()).append("\r\n");
    }
}

// What is text, or as good as text, and is not compressed already: as with Caddy.
const std::vector<std::string>& usualTypes() {
    static const std::vector<std::string> kTypes{"text/*",
                                                 "application/atom+xml",
                                                 "application/geo+json",
                                                 "application/graphql-response+json",
                                                 "application/javascript",
                                                 "application/json",
                                                 "application/ld+json",
                                                 "application/manifest+json",
                                                 "application/problem+json",
                                                 "application/rss+xml",
                                                 "application/vnd.api+json",
                                                 "application/vnd.ms-fontobject",
                                                 "application/wasm",
                                                 "application/x-javascript",
                                                 "application/x-ndjson",
                                                 "application/xhtml+xml",
                                                 "application/xml",
                                                 "font/otf",
                                                 "font/ttf",
                                                 "image/svg+xml",
                                                 "image/vnd.microsoft.icon",
                                                 "image/x-icon"};
    return kTypes;
}

bool isEmpty(const RoutePolicy& policy) noexcept {
    return !policy.sources && !policy.redirectToHttps && policy.maxBodyBytes == 0 &&
           !policy.rewrite && policy.request.empty() && policy.response.empty() &&
           !policy.compression && !policy.needsVerifiedClient && !policy.tellsClient &&
           !policy.grpcWeb;
}

}  // namespace

const std::vector<std::string>& Compression::types() const {
    return ownTypes.empty() ? usualTypes() : ownTypes;
}

std::unique_ptr<const RoutePolicy> compilePolicy(const model::Route& route, std::string_view path) {
    auto policy = std::make_unique<RoutePolicy>();
    if (route.restrictSources) {
        policy->sources.emplace(route.allowSources);
    }
    policy->redirectToHttps = route.redirectToHttps;
    policy->redirectPort = route.redirectPort;
    policy->maxBodyBytes = route.maxBodyBytes;
    if (!route.rewritePrefix.empty()) {
        policy->rewrite.emplace(route.pathType, path, route.rewritePrefix);
    }
    policy->request = compileEdits(route.requestHeadersSet, route.requestHeadersRemove,
                                   route.clientCertificateHeaders);
    if (policy->rewrite) {
        tellPrefix(*policy->rewrite, policy->request);
    }
    policy->response = compileEdits(route.responseHeadersSet, route.responseHeadersRemove);
    policy->needsVerifiedClient = route.clientCertificates == model::ClientCertificates::required;
    policy->tellsClient = route.clientCertificateHeaders;
    policy->grpcWeb = route.grpcWeb;
    if (!route.compress.empty()) {
        policy->compression =
            Compression{route.compress, route.compressTypes, route.compressMinBytes};
    }
    if (isEmpty(*policy)) {
        return nullptr;
    }
    return policy;
}

std::shared_ptr<const SourceNetworks> sourcesOf(const model::Listener& listener) {
    return listener.restrictSources ? std::make_shared<const SourceNetworks>(listener.allowSources)
                                    : nullptr;
}

std::shared_ptr<const SourceNetworks> networksOf(const std::vector<std::string>& networks) {
    return networks.empty() ? nullptr : std::make_shared<const SourceNetworks>(networks);
}

}  // namespace evergate::routing
