// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotations.hpp"

#include <algorithm>
#include <array>

#include "common/model/syntax.hpp"

namespace evergate::controller {
namespace {

struct Known {
    std::string_view key;
    bool onIngress;
    bool onService;
};

constexpr std::array kKnown = {
    Known{annotation::kLoadBalance, true, true},      Known{annotation::kTcpPort, false, true},
    Known{annotation::kTcpServicePort, false, true},  Known{annotation::kHttpPort, false, true},
    Known{annotation::kHttpServicePort, false, true},
};

std::variant<LoadBalance, SyntaxError> hashOnHeader(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!model::isLowerCaseToken(lower)) {
        return SyntaxError{"hash:header: must be followed by a header name; ignored"};
    }
    return LoadBalance{model::BalanceAlgorithm::consistentHash, model::HashOn::header,
                       std::move(lower)};
}

}  // namespace

std::variant<LoadBalance, SyntaxError> parseLoadBalance(std::string_view text) {
    using model::BalanceAlgorithm;
    constexpr std::string_view kHeader = "hash:header:";
    if (text == "round-robin") {
        return LoadBalance{};
    }
    if (text == "least-request") {
        return LoadBalance{BalanceAlgorithm::leastRequest, model::HashOn::clientAddress, {}};
    }
    if (text == "hash") {
        return LoadBalance{BalanceAlgorithm::consistentHash, model::HashOn::clientAddress, {}};
    }
    if (text == "hash:path") {
        return LoadBalance{BalanceAlgorithm::consistentHash, model::HashOn::path, {}};
    }
    if (text.starts_with(kHeader)) {
        return hashOnHeader(text.substr(kHeader.size()));
    }
    return SyntaxError{
        "must be round-robin, least-request, hash, hash:path or hash:header:NAME; ignored"};
}

std::optional<LoadBalance> loadBalanceOf(const ObjectKey& object, const Metadata& metadata,
                                         ProblemList& problems) {
    const std::string* text = metadata.annotation(annotation::kLoadBalance);
    if (text == nullptr) {
        return std::nullopt;
    }
    auto parsed = parseLoadBalance(*text);
    if (auto* error = std::get_if<SyntaxError>(&parsed)) {
        problems.add(toText(object), annotationPath(annotation::kLoadBalance),
                     std::move(error->what));
        return std::nullopt;
    }
    return std::get<LoadBalance>(std::move(parsed));
}

void reportUnknownAnnotations(const ObjectKey& object, const Metadata& metadata,
                              ProblemList& problems) {
    for (const auto& [key, value] : metadata.annotations) {
        if (!key.starts_with("evergate.io/")) {
            continue;
        }
        const auto it =
            std::find_if(kKnown.begin(), kKnown.end(),
                         [&name = key](const Known& known) { return known.key == name; });
        if (it == kKnown.end()) {
            problems.add(toText(object), annotationPath(key),
                         "is not an annotation of Evergate; ignored");
        } else if (object.kind == ResourceKind::ingress ? !it->onIngress : !it->onService) {
            problems.add(toText(object), annotationPath(key),
                         std::string("belongs on ") + (it->onService ? "a Service" : "an Ingress") +
                             "; ignored");
        }
    }
}

std::string annotationPath(std::string_view key) {
    return "metadata.annotations[\"" + std::string(key) + "\"]";
}

}  // namespace evergate::controller
