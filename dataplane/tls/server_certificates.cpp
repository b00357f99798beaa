// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_certificates.hpp"

#include <algorithm>
#include <utility>

namespace evergate::tls {
namespace {

constexpr std::size_t kMaxHostBytes = 255;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Of two for one host and kind of key the one that ends later serves, so that a renewed certificate
// wins over the one it replaces.
bool better(const Certificate& left, const Certificate& right) noexcept {
    return left.notAfter() > right.notAfter();
}

template <typename GroupType>
void join(GroupType& group, const std::shared_ptr<const Certificate>& certificate) {
    for (auto& member : group) {
        if (member->keyType() != certificate->keyType())
            continue;
        if (better(*certificate, *member))
            member = certificate;
        return;
    }
    group.push_back(certificate);
}

std::string defaultName(const model::Config& config) {
    const auto* settings = config.find<model::Settings>({model::Kind::settings, "global"});
    return settings == nullptr ? "" : settings->defaultCertificate;
}

}  // namespace

bool ServerCertificates::load(const model::Config& config, const ServerCertificates* before,
                              std::vector<model::KeyedProblem>& problems) {
    const auto& entries = config.entries();
    for (auto at = entries.lower_bound({model::Kind::certificate, ""});
         at != entries.end() && at->first.kind == model::Kind::certificate; ++at) {
        const auto& [key, entry] = *at;
        if (before != nullptr) {
            const auto known = before->loaded_.find(key.name);
            if (known != before->loaded_.end() && known->second.value == entry.value) {
                loaded_.insert(*known);
                continue;
            }
        }
        auto result = Certificate::load(std::get<model::Certificate>(*entry.value));
        if (auto* problem = std::get_if<model::Problem>(&result)) {
            problem->where = model::toText(key) + "." + problem->where;
            problems.push_back({key, std::move(*problem)});
            continue;
        }
        auto certificate = std::get<0>(std::move(result));
        std::string wrong;
        if (!contextFor({certificate}, nullptr, wrong)) {
            problems.push_back({key, {model::toText(key) + ".chain", std::move(wrong)}});
            continue;
        }
        loaded_.emplace(key.name, Loaded{entry.value, std::move(certificate)});
    }
    return problems.empty();
}

std::shared_ptr<const ServerContext> ServerCertificates::contextFor(
    const Group& group, const ServerCertificates* before, std::string& wrong) {
    if (const auto known = contexts_.find(group); known != contexts_.end())
        return known->second;
    std::shared_ptr<const ServerContext> context;
    if (before != nullptr) {
        if (const auto known = before->contexts_.find(group); known != before->contexts_.end())
            context = known->second;
    }
    if (!context)
        context = ServerContext::make(group, wrong);
    if (context)
        contexts_.emplace(group, context);
    return context;
}

std::shared_ptr<const ServerCertificates> ServerCertificates::compile(
    const model::Config& config, const std::shared_ptr<const Certificate>& fallback,
    const ServerCertificates* before, std::vector<model::KeyedProblem>& problems) {
    std::unique_ptr<ServerCertificates> result(new ServerCertificates);
    if (!result->load(config, before, problems))
        return nullptr;
    std::map<std::string, Group> groups;
    for (const auto& [name, loaded] : result->loaded_) {
        for (const std::string& host : loaded.certificate->hosts())
            join(groups[host], loaded.certificate);
    }
    std::string wrong;
    const model::Key settings{model::Kind::settings, "global"};
    const auto named = result->loaded_.find(defaultName(config));
    const Group byDefault{named == result->loaded_.end() ? fallback : named->second.certificate};
    result->default_ = byDefault.front() ? result->contextFor(byDefault, before, wrong) : nullptr;
    if (!result->default_ && wrong.empty())
        wrong = "no self-signed certificate could be made";
    if (!result->default_)
        problems.push_back({settings, {"settings/global.defaultCertificate", wrong}});
    for (const auto& [host, group] : groups) {
        auto context = result->contextFor(group, before, wrong);
        if (context)
            result->hosts_.emplace(host, std::move(context));
    }
    // Contexts only made to see whether a certificate is good are not kept.
    std::erase_if(result->contexts_,
                  [](const auto& entry) { return entry.second.use_count() == 1; });
    return problems.empty() ? std::move(result) : nullptr;
}

const ServerContext* ServerCertificates::find(std::string_view host) const {
    if (host.size() > kMaxHostBytes)
        return nullptr;
    std::string name(host);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (const auto at = hosts_.find(name); at != hosts_.end())
        return at->second.get();
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot == std::string::npos)
        return nullptr;
    name.replace(0, dot, "*");
    const auto at = hosts_.find(name);
    return at == hosts_.end() ? nullptr : at->second.get();
}

std::vector<std::pair<std::string, std::int64_t>> ServerCertificates::expiries() const {
    std::vector<std::pair<std::string, std::int64_t>> all;
    all.reserve(loaded_.size());
    for (const auto& [name, loaded] : loaded_)
        all.emplace_back(name, loaded.certificate->notAfter());
    return all;
}

}  // namespace evergate::tls
