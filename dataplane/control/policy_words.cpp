// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/policy_words.hpp"

namespace evergate::dataplane {
namespace {

void addCount(std::vector<std::string>& words, const char* name, std::size_t count) {
    if (count != 0) {
        words.push_back(std::string(name) + '=' + std::to_string(count));
    }
}

void addEdits(std::vector<std::string>& steps, const char* what,
              const routing::HeaderEdits& edits) {
    if (edits.empty()) {
        return;
    }
    std::string names;
    for (const std::string& name : edits.drop) {
        names += (names.empty() ? "" : ", ") + name;
    }
    steps.push_back(std::string(what) + " headers are set or removed: " + names + '.');
}

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ",") + word;
    }
    return text;
}

}  // namespace

std::vector<std::string> policyWords(const model::Route& route) {
    std::vector<std::string> words;
    if (route.passthrough) {
        words.emplace_back("passthrough");
    }
    if (route.restrictSources) {
        words.push_back("sources=" + std::to_string(route.allowSources.size()));
    }
    if (route.redirectToHttps) {
        words.emplace_back("https");
    }
    if (route.maxBodyBytes != 0) {
        words.push_back("body=" + std::to_string(route.maxBodyBytes));
    }
    if (route.clientCertificates != model::ClientCertificates::off) {
        words.emplace_back(route.clientCertificates == model::ClientCertificates::required
                               ? "client-certificates=required"
                               : "client-certificates=optional");
    }
    if (!route.rewritePrefix.empty()) {
        words.push_back("rewrite=" + route.rewritePrefix);
    }
    addCount(words, "request-headers",
             route.requestHeadersSet.size() + route.requestHeadersRemove.size());
    addCount(words, "response-headers",
             route.responseHeadersSet.size() + route.responseHeadersRemove.size());
    if (!route.compress.empty()) {
        words.push_back("compress=" + listed(route.compress));
    }
    if (route.grpcWeb) {
        words.emplace_back("grpc-web");
    }
    return words;
}

std::vector<std::string> policySteps(const routing::RoutePolicy& policy, std::string_view path,
                                     std::string_view normal) {
    std::vector<std::string> steps;
    if (policy.sources) {
        steps.emplace_back("Only clients of its source ranges are served, others get 403.");
    }
    if (policy.redirectToHttps) {
        steps.emplace_back("Without TLS the answer is a redirect to https (308).");
    }
    if (policy.needsVerifiedClient) {
        steps.emplace_back(
            "Only clients whose certificate was verified by the rules of its host are served, "
            "others get 421.");
    }
    if (policy.tellsClient) {
        steps.emplace_back(
            "The endpoint is told about the client's certificate (X-SSL-Client-...).");
    }
    if (policy.maxBodyBytes != 0) {
        steps.push_back("A body of more than " + std::to_string(policy.maxBodyBytes) +
                        " bytes is answered with 413.");
    }
    if (policy.rewrite) {
        std::string rewritten;
        policy.rewrite->apply(path, normal, rewritten);
        steps.push_back("The path is forwarded as \"" + rewritten + "\".");
    }
    addEdits(steps, "Request", policy.request);
    addEdits(steps, "Response", policy.response);
    if (policy.compression) {
        steps.push_back("Responses are compressed for clients that accept one of " +
                        listed(policy.compression->codings) + ".");
    }
    if (policy.grpcWeb) {
        steps.emplace_back("gRPC-Web requests become gRPC where the endpoints speak HTTP/2.");
    }
    return steps;
}

}  // namespace evergate::dataplane
