// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube_api_rest.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

namespace evergate::test {
namespace {

using nlohmann::json;

std::string decodePercent(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const std::string digits(text.substr(i + 1, 2));
            decoded += static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16));
            i += 2;
        } else {
            decoded += text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) {
            parts.push_back(text.substr(0, end));
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

FakeAnswer changeObject(FakeKubeStore& store, const FakeObjectRef& ref,
                        const FakeRequest& request) {
    if (request.method == "DELETE") {
        return store.erase(ref);
    }
    if (request.method == "PATCH" && request.contentType.find("merge-patch") == std::string::npos) {
        return fakeRefusal(415, "UnsupportedMediaType", "only merge patches are understood");
    }
    auto body = json::parse(request.body, nullptr, false);
    if (body.is_discarded()) {
        return fakeRefusal(400, "BadRequest", "the body is not JSON");
    }
    if (request.method == "PATCH") {
        return store.mergePatch(ref, body);
    }
    if (request.method == "PUT") {
        return store.replace(ref, std::move(body));
    }
    return fakeRefusal(405, "MethodNotAllowed", request.method);
}

FakeAnswer answerCollection(FakeKubeStore& store, FakeObjectRef ref, const FakeRequest& request) {
    if (request.method == "GET") {
        if (auto refusal = applyFieldSelector(request.target, ref)) {
            return *std::move(refusal);
        }
        const auto limit = std::strtoul(request.target.parameter("limit").c_str(), nullptr, 10);
        return store.list(ref, limit, request.target.parameter("continue"));
    }
    if (request.method != "POST" || (ref.resource->namespaced && ref.nameSpace.empty())) {
        return fakeRefusal(405, "MethodNotAllowed",
                           "the server does not allow this method on the requested resource");
    }
    auto body = json::parse(request.body, nullptr, false);
    return body.is_discarded() ? fakeRefusal(400, "BadRequest", "the body is not JSON")
                               : store.create(ref, std::move(body));
}

FakeAnswer answerOther(const FakeRequest& request) {
    if (request.target.path == "/version") {
        return {200, R"({"major":"1","minor":"34","gitVersion":"v1.34.0-fake"})", {}};
    }
    if (request.target.path == "/readyz" || request.target.path == "/healthz" ||
        request.target.path == "/livez") {
        return {200, "ok", {}};
    }
    return fakeRefusal(404, "NotFound", "the server could not find the requested resource");
}

}  // namespace

std::string FakeTarget::parameter(const std::string& name, const std::string& otherwise) const {
    const auto it = query.find(name);
    return it == query.end() ? otherwise : it->second;
}

bool FakeTarget::flag(const std::string& name) const {
    const auto value = parameter(name);
    return value == "1" || value == "true";
}

FakeTarget parseFakeTarget(std::string_view target) {
    FakeTarget parsed;
    parsed.raw = target;
    const auto question = target.find('?');
    parsed.path = decodePercent(target.substr(0, question));
    if (question != std::string_view::npos) {
        for (const auto pair : split(target.substr(question + 1), '&')) {
            const auto equals = pair.find('=');
            parsed.query[decodePercent(pair.substr(0, equals))] =
                equals == std::string_view::npos ? "" : decodePercent(pair.substr(equals + 1));
        }
    }
    return parsed;
}

std::optional<FakeObjectRef> parseFakePath(std::string_view path) {
    auto parts = split(path, '/');
    std::string version;
    std::size_t at = 0;
    if (parts.size() >= 3 && parts[0] == "api") {
        version = parts[1];
        at = 2;
    } else if (parts.size() >= 4 && parts[0] == "apis") {
        version = std::string(parts[1]) + "/" + std::string(parts[2]);
        at = 3;
    } else {
        return std::nullopt;
    }
    FakeObjectRef ref;
    if (parts[at] == "namespaces" && parts.size() >= at + 3) {
        ref.nameSpace = parts[at + 1];
        at += 2;
    }
    ref.resource = findFakeResource(version, parts[at]);
    ++at;
    if (at < parts.size()) {
        ref.name = parts[at++];
    }
    if (at < parts.size() && parts[at] == "status") {
        ref.status = true;
        ++at;
    }
    return ref.resource != nullptr && at == parts.size() ? std::optional(ref) : std::nullopt;
}

std::optional<FakeAnswer> applyFieldSelector(const FakeTarget& target, FakeObjectRef& collection) {
    const std::string selector = target.parameter("fieldSelector");
    if (selector.empty()) {
        return std::nullopt;
    }
    if (selector.rfind("type=", 0) != 0 || collection.resource->kind != "Secret") {
        return fakeRefusal(400, "BadRequest", "field label not supported: " + selector);
    }
    collection.type = selector.substr(5);
    return std::nullopt;
}

FakeAnswer answerFakeRequest(FakeKubeStore& store, const FakeRequest& request) {
    try {
        const auto ref = parseFakePath(request.target.path);
        if (!ref) {
            return answerOther(request);
        }
        if (ref->name.empty()) {
            return answerCollection(store, *ref, request);
        }
        return request.method == "GET" ? store.read(*ref) : changeObject(store, *ref, request);
    } catch (const json::exception& error) {
        return fakeRefusal(400, "BadRequest", error.what());
    }
}

}  // namespace evergate::test
