// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_certificates.hpp"

#include <set>
#include <utility>

namespace evergate::tls {
namespace {

constexpr std::size_t kMaxHostBytes = 255;

std::string lower(std::string_view host) {
    std::string name(host);
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
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

// Of two values for one host: who satisfies both. Rules that differ nobody does.
std::shared_ptr<const ClientRules> both(const std::shared_ptr<const ClientRules>& left,
                                        const std::shared_ptr<const ClientRules>& right) {
    if (!left || !right)
        return left ? left : right;
    return left->id() == right->id() ? left : ClientRules::nobody();
}

const model::Settings& settingsOf(const model::Config& config) {
    static const model::Settings kDefaults;
    const auto* settings = config.find<model::Settings>({model::Kind::settings, "global"});
    return settings == nullptr ? kDefaults : *settings;
}

// Those that backends show to their endpoints.
std::set<std::string_view> shownToEndpoints(const model::Config& config) {
    std::set<std::string_view> names;
    const auto& entries = config.entries();
    for (auto at = entries.lower_bound({model::Kind::backend, ""});
         at != entries.end() && at->first.kind == model::Kind::backend; ++at) {
        const std::string& name = std::get<model::Backend>(*at->second.value).tlsCertificate;
        if (!name.empty())
            names.insert(name);
    }
    return names;
}

}  // namespace

bool ServerCertificates::load(const model::Config& config, const ServerCertificates* before,
                              std::vector<model::KeyedProblem>& problems) {
    const auto& entries = config.entries();
    bool good = true;
    for (auto at = entries.lower_bound({model::Kind::certificate, ""});
         at != entries.end() && at->first.kind == model::Kind::certificate; ++at)
        good &= loadOne(*at, before, problems);
    return good;
}

// False, and a problem: it is no good.
bool ServerCertificates::loadOne(const model::Config::Map::value_type& item,
                                 const ServerCertificates* before,
                                 std::vector<model::KeyedProblem>& problems) {
    // Plain names: clang 14 captures no structured bindings.
    const auto& key = item.first;
    const auto& entry = item.second;
    const auto refuse = [&](model::Problem problem) {
        problem.where = model::toText(key) + "." + problem.where;
        problems.push_back({key, std::move(problem)});
        return false;
    };
    if (before != nullptr) {
        const auto known = before->loaded_.find(key.name);
        if (known != before->loaded_.end() && known->second.value == entry.value) {
            if (const auto& clients = known->second.clients)
                rules_.emplace(clients->id(), clients);
            loaded_.insert(*known);
            return true;
        }
    }
    const auto& value = std::get<model::Certificate>(*entry.value);
    auto result = Certificate::load(value);
    if (auto* problem = std::get_if<model::Problem>(&result))
        return refuse(std::move(*problem));
    auto certificate = std::get<0>(std::move(result));
    model::Problem problem;
    auto clients = rulesFor(value.clients, before, problem);
    if (!problem.where.empty())
        return refuse(std::move(problem));
    std::string wrong;
    if (!contextFor({{certificate}, nullptr}, nullptr, wrong))
        return refuse({"chain", std::move(wrong)});
    loaded_.emplace(key.name, Loaded{entry.value, std::move(certificate), std::move(clients)});
    return true;
}

// Null: off, or there is a problem.
std::shared_ptr<const ClientRules> ServerCertificates::rulesFor(
    const model::ClientVerification& value, const ServerCertificates* before,
    model::Problem& problem) {
    if (value.mode == model::ClientCertificates::off)
        return nullptr;
    auto& rules = rules_[ClientRules::idOf(value)];
    if (!rules && before != nullptr) {
        if (const auto known = before->rules_.find(ClientRules::idOf(value));
            known != before->rules_.end())
            rules = known->second;
    }
    if (rules)
        return rules;
    auto made = ClientRules::load(value);
    if (auto* wrong = std::get_if<model::Problem>(&made)) {
        problem = std::move(*wrong);
    } else {
        rules = std::get<0>(std::move(made));
    }
    return rules;
}

std::shared_ptr<const ServerContext> ServerCertificates::contextFor(
    const Offer& offer, const ServerCertificates* before, std::string& wrong) {
    if (const auto known = contexts_.find(offer); known != contexts_.end())
        return known->second;
    std::shared_ptr<const ServerContext> context;
    if (before != nullptr && before->profile_ == profile_) {
        if (const auto known = before->contexts_.find(offer); known != before->contexts_.end())
            context = known->second;
    }
    if (!context)
        context = ServerContext::make(offer.certificates, profile_, offer.clients, wrong);
    if (context)
        contexts_.emplace(offer, context);
    return context;
}

// By host. What a backend shows, and nobody named hosts for, is for no host. Where a certificate is
// shown for the names in it only, what it asks of clients gives way to what somebody said for a
// host.
std::map<std::string, ServerCertificates::Offer> ServerCertificates::offers(
    const model::Config& config) const {
    const std::set<std::string_view> outward = shownToEndpoints(config);
    std::map<std::string, Offer> offers;
    std::set<std::string_view> named;
    for (const bool implied : {false, true}) {
        for (const auto& [name, loaded] : loaded_) {
            if (std::get<model::Certificate>(*loaded.value).hosts.empty() != implied ||
                (implied && outward.contains(name)))
                continue;
            for (const std::string& host : loaded.certificate->hosts()) {
                Offer& offer = offers[host];
                join(offer.certificates, loaded.certificate);
                if (!implied)
                    named.insert(host);
                if (!implied || !named.contains(host))
                    offer.clients = both(offer.clients, loaded.clients);
            }
        }
    }
    return offers;
}

std::shared_ptr<const ServerCertificates> ServerCertificates::compile(
    const model::Config& config, const std::shared_ptr<const Certificate>& fallback,
    const ServerCertificates* before, std::vector<model::KeyedProblem>& problems) {
    std::unique_ptr<ServerCertificates> result(new ServerCertificates);
    const model::Settings& settings = settingsOf(config);
    result->profile_ = {settings.tlsPolicy};
    if (!result->load(config, before, problems))
        return nullptr;
    std::string wrong;
    const auto named = result->loaded_.find(settings.defaultCertificate);
    Offer byDefault{{fallback}, nullptr};
    if (named != result->loaded_.end())
        byDefault = {{named->second.certificate}, named->second.clients};
    result->default_ =
        byDefault.certificates.front() ? result->contextFor(byDefault, before, wrong) : nullptr;
    if (!result->default_) {
        problems.push_back({{model::Kind::settings, "global"},
                            {"settings/global.defaultCertificate",
                             wrong.empty() ? "no self-signed certificate could be made" : wrong}});
    }
    for (const auto& [host, offer] : result->offers(config)) {
        auto context = result->contextFor(offer, before, wrong);
        if (context)
            result->hosts_.emplace(host, std::move(context));
    }
    // Contexts only made to see whether a certificate is good are not kept.
    std::erase_if(result->contexts_,
                  [](const auto& entry) { return entry.second.use_count() == 1; });
    return problems.empty() ? std::move(result) : nullptr;
}

const ServerContext& ServerCertificates::serving(std::string_view host) const {
    const ServerContext* const context =
        find(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
    return context == nullptr ? *default_ : *context;
}

const ClientRules* ServerCertificates::clientsOf(std::string_view host) const {
    return serving(host).clients().get();
}

std::shared_ptr<const Certificate> ServerCertificates::named(const std::string& name) const {
    const auto at = loaded_.find(name);
    return at == loaded_.end() ? nullptr : at->second.certificate;
}

const ServerContext* ServerCertificates::find(std::string_view host) const {
    if (host.size() > kMaxHostBytes)
        return nullptr;
    std::string name = lower(host);
    if (const auto at = hosts_.find(name); at != hosts_.end())
        return at->second.get();
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot == std::string::npos)
        return nullptr;
    name.replace(0, dot, "*");
    const auto at = hosts_.find(name);
    return at == hosts_.end() ? nullptr : at->second.get();
}

SessionCache::Scope ServerCertificates::sessionScope(std::string_view host) const {
    const ServerContext* const context = find(host);
    const auto& scope = (context == nullptr ? *default_ : *context).sessionScope();
    return model::sha256(
        {{reinterpret_cast<const char*>(scope.data()), scope.size()}, lower(host)});
}

std::vector<NamedCertificate> ServerCertificates::shown() const {
    std::set<const Certificate*> inUse;
    for (const auto& [offer, context] : contexts_) {
        for (const auto& certificate : offer.certificates)
            inUse.insert(certificate.get());
    }
    std::vector<NamedCertificate> all;
    for (const auto& [name, loaded] : loaded_) {
        if (inUse.contains(loaded.certificate.get()))
            all.push_back({name, loaded.certificate});
    }
    return all;
}

std::vector<std::pair<std::string, std::int64_t>> ServerCertificates::expiries() const {
    std::vector<std::pair<std::string, std::int64_t>> all;
    all.reserve(loaded_.size());
    for (const auto& [name, loaded] : loaded_)
        all.emplace_back(name, loaded.certificate->notAfter());
    return all;
}

}  // namespace evergate::tls
