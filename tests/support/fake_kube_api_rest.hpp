// SPDX-License-Identifier: Apache-2.0
// The URLs of the fake API server: which object a path names, and what a request to it answers.
//
// Sans-I/O. Watches are recognised here and served by fake_kube_api.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_kube_api_store.hpp"

namespace evergate::test {

struct FakeTarget {
    std::string raw;                           // path and query as they came
    std::string path;                          // decoded
    std::map<std::string, std::string> query;  // decoded

    std::string parameter(const std::string& name, const std::string& otherwise = "") const;
    bool flag(const std::string& name) const;  // "1" or "true"
};

FakeTarget parseFakeTarget(std::string_view target);

// "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/cart/status"; nothing for other paths.
std::optional<FakeObjectRef> parseFakePath(std::string_view path);

// Narrows `collection` by the fieldSelector of a list or watch: "type=..." of Secrets is
// understood. A refusal for any other.
std::optional<FakeAnswer> applyFieldSelector(const FakeTarget& target, FakeObjectRef& collection);

struct FakeRequest {
    std::string method;
    FakeTarget target;
    std::string contentType;
    std::string body;
};

// Everything but watches. Never throws.
FakeAnswer answerFakeRequest(FakeKubeStore& store, const FakeRequest& request);

}  // namespace evergate::test
