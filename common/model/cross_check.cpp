// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "common/model/validation.hpp"

namespace evergate::model {
namespace {

using Item = Config::Map::value_type;

// One spelling for one address, so that "::1" and "0:0::1" meet.
std::string canonicalAddress(const std::string& text) {
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    for (const int family : {AF_INET, AF_INET6}) {
        if (inet_pton(family, text.c_str(), bytes.data()) == 1) {
            return inet_ntop(family, bytes.data(), out.data(), out.size());
        }
    }
    return text;
}

// What a route matches on one listener. Views into the configuration.
struct Match {
    std::string_view listener;
    std::string_view host;
    PathType pathType;
    std::string_view path;
    const Key* key;  // last: of equal matches the smallest key comes first and wins

    auto match() const { return std::tie(listener, host, pathType, path); }

    friend bool operator<(const Match& a, const Match& b) {
        return std::tie(a.listener, a.host, a.pathType, a.path, *a.key) <
               std::tie(b.listener, b.host, b.pathType, b.path, *b.key);
    }
};

// Element-wise prefixes match the same with and without a trailing slash (Kubernetes: Prefix).
std::string_view comparablePath(const Route& route) {
    std::string_view path = route.path;
    while (route.pathType == PathType::prefix && path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path;
}

class CrossCheck {
public:
    explicit CrossCheck(const Config& config) : config_(config) {}

    std::vector<KeyedProblem> run() && {
        for (const Item& item : config_.entries()) {
            if (const auto* listener = std::get_if<Listener>(item.second.value.get())) {
                checkListener(item.first, *listener);
            } else if (const auto* route = std::get_if<Route>(item.second.value.get())) {
                checkRoute(item.first, *route);
            } else if (const auto* backend = std::get_if<Backend>(item.second.value.get())) {
                checkBackend(item.first, *backend);
            }
        }
        checkMatches();
        std::stable_sort(problems_.begin(), problems_.end(),
                         [](const auto& a, const auto& b) { return a.key < b.key; });
        return std::move(problems_);
    }

private:
    void report(const Key& key, std::string_view field, std::string what) {
        problems_.push_back({key, {toText(key).append(field), std::move(what)}});
    }

    void requireBackend(const Key& key, const std::string& backend) {
        if (!config_.entries().contains(Key{Kind::backend, backend})) {
            report(key, ".backend", "no backend " + backend);
        }
    }

    void checkListener(const Key& key, const Listener& listener) {
        if (carriesBytes(listener.protocol)) {
            requireBackend(key, listener.backend);
        }
        const auto [it, inserted] =
            addresses_.try_emplace({canonicalAddress(listener.address), listener.port}, &key);
        if (!inserted) {
            report(key, ".port", "address and port already taken by " + toText(*it->second));
        }
    }

    void checkBackend(const Key& key, const Backend& backend) {
        if (!backend.tlsCertificate.empty() &&
            !config_.entries().contains(Key{Kind::certificate, backend.tlsCertificate})) {
            report(key, ".tlsCertificate", "no certificate " + backend.tlsCertificate);
        }
    }

    void checkRoute(const Key& key, const Route& route) {
        requireBackend(key, route.backend);
        for (const std::string& name : route.listeners) {
            const auto* listener = config_.find<Listener>(Key{Kind::listener, name});
            if (listener == nullptr) {
                report(key, ".listeners", "no listener " + name);
            } else if (carriesBytes(listener->protocol)) {
                report(key, ".listeners", "listener " + name + " is not for http");
            }
            matches_.push_back({name, route.host, route.pathType, comparablePath(route), &key});
        }
    }

    void checkMatches() {
        std::sort(matches_.begin(), matches_.end());
        const Match* first = nullptr;
        for (const Match& each : matches_) {
            if (first == nullptr || first->match() != each.match()) {
                first = &each;
            } else if (first->key != each.key) {
                report(*each.key, ".path",
                       "same listener, host and path as " + toText(*first->key));
            }
        }
    }

    const Config& config_;
    std::vector<KeyedProblem> problems_;
    std::map<std::pair<std::string, std::uint16_t>, const Key*> addresses_;
    std::vector<Match> matches_;
};

}  // namespace

std::vector<KeyedProblem> crossCheck(const Config& config) {
    return CrossCheck(config).run();
}

}  // namespace evergate::model
