// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/explain.hpp"

#include <algorithm>
#include <charconv>

#include "common/model/syntax.hpp"
#include "dataplane/control/policy_words.hpp"
#include "dataplane/routing/explain.hpp"

namespace evergate::dataplane {
namespace {

// "host", "host:80", "[::1]:80" -> host and port. False when the port is malformed.
bool splitAuthority(std::string_view authority, UrlParts& parts) {
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos)
            return false;
        parts.host = model::lowerCase(authority.substr(1, close - 1));
        port = authority.substr(close + 1);
        if (!port.empty() && port[0] != ':')
            return false;
        if (!port.empty())
            port.remove_prefix(1);
    } else {
        const auto colon = authority.find(':');
        parts.host = model::lowerCase(authority.substr(0, colon));
        if (colon != std::string_view::npos)
            port = authority.substr(colon + 1);
    }
    if (port.empty())
        return true;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
    return error == std::errc() && end == port.data() + port.size() && parts.port != 0;
}

std::string inQuotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}

std::string listenAddress(const model::Listener& listener) {
    const bool v6 = listener.address.find(':') != std::string::npos;
    return (v6 ? '[' + listener.address + ']' : listener.address) + ':' +
           std::to_string(listener.port);
}

class Explainer {
public:
    explicit Explainer(const routing::Snapshot& snapshot) : snapshot_(snapshot) {}

    // Empty when it worked, else what is wrong with the question.
    std::string run(const ExplainRequest& request) {
        std::optional<UrlParts> url = splitUrl(request.url);
        if (!url)
            return "the URL is malformed: use http://host[:port]/path or /path";
        for (const auto& [name, value] : request.headers) {
            if (model::lowerCase(name) != "host")
                continue;
            UrlParts fromHeader;
            if (!splitAuthority(value, fromHeader))
                return "the Host header is malformed";
            url->host = fromHeader.host;
            if (url->port == 0)
                url->port = fromHeader.port;
        }
        std::string problem = chooseListener(request.listener, *url);
        if (!problem.empty())
            return problem;
        answer_.host = url->host;
        if (model::carriesBytes(listener_->listener.protocol)) {
            explainTcp();
        } else if (const routing::Target* target = passthrough()) {
            explainPassthrough(*target);
        } else {
            explainHttp(url->path);
        }
        return {};
    }

    Explanation take() { return std::move(answer_); }

private:
    void step(std::string text) { answer_.steps.push_back(std::move(text)); }

    std::string chooseListener(const std::string& name, const UrlParts& url) {
        const std::uint16_t port = url.port == 0 ? std::uint16_t{80} : url.port;
        std::string why = "its port is the URL's (" + std::to_string(port) + ")";
        for (const auto& spec : snapshot_.listeners) {
            const bool wanted = name.empty() ? spec.listener.port == port : spec.name == name;
            if (wanted && listener_ == nullptr)
                listener_ = &spec;
        }
        if (!name.empty())
            why = "it was asked for by name";
        if (listener_ == nullptr && !name.empty())
            return "there is no listener " + inQuotes(name);
        if (listener_ == nullptr) {
            listener_ = firstListener(url.tls);
            if (listener_ == nullptr)
                return "there is no http listener";
            const bool tls = listener_->listener.protocol == model::ListenerProtocol::https;
            why = "no listener has port " + std::to_string(port) + ", so this is the first " +
                  (tls ? "https" : "http") + " listener by name";
        }
        answer_.listener = listener_->name;
        step("Listener " + inQuotes(listener_->name) + " (" + listenAddress(listener_->listener) +
             "): " + why + ".");
        return {};
    }

    // By name, of those that take requests: over TLS or not, as asked, else any; null: none.
    const routing::ListenerSpec* firstListener(bool tls) const {
        const routing::ListenerSpec* any = nullptr;
        for (const auto& spec : snapshot_.listeners) {
            if (model::carriesBytes(spec.listener.protocol))
                continue;
            if ((spec.listener.protocol == model::ListenerProtocol::https) == tls)
                return &spec;
            if (any == nullptr)
                any = &spec;
        }
        return any;
    }

    void explainTcp() {
        answer_.backend = listener_->listener.backend;
        answer_.backendId = listener_->backendId;
        const bool tls = listener_->listener.protocol == model::ListenerProtocol::tls;
        step(std::string(tls ? "It is a TCP listener behind TLS that ends here"
                             : "It is a TCP listener") +
             ": every connection goes to backend " + inQuotes(answer_.backend) +
             ", whatever is sent on it.");
    }

    // Where TLS that asks for the host goes as it is; null: it ends here.
    const routing::Target* passthrough() const {
        return listener_->listener.protocol == model::ListenerProtocol::https
                   ? snapshot_.routes.passthrough(listener_->routeIndex, answer_.host)
                   : nullptr;
    }

    void explainPassthrough(const routing::Target& target) {
        answer_.route = target.route;
        answer_.origin = target.origin;
        answer_.backend = target.backend;
        answer_.backendId = target.backendId;
        step("TLS to this host passes through: connections that ask for it (SNI) go to backend " +
             inQuotes(answer_.backend) + " as they are (route of " + answer_.origin + ").");
        if (target.policy && target.policy->sources)
            step("Only clients of its source ranges are served, others get a reset.");
    }

    void explainHttp(const std::string& rawPath) {
        routing::Explanation matched =
            routing::explain(snapshot_.routes, listener_->name, answer_.host, rawPath);
        answer_.path = std::move(matched.path);
        if (!answer_.path.empty() && answer_.path != rawPath) {
            step("Path " + inQuotes(rawPath) + " is matched as " + inQuotes(answer_.path) +
                 "; that never changes what is forwarded.");
        }
        for (std::string& text : matched.steps)
            step(std::move(text));
        if (matched.target == nullptr) {
            answer_.status = answer_.path.empty() && listener_->routeIndex >= 0 ? 400 : 404;
            step("No route: we answer " + std::to_string(answer_.status) + '.');
            return;
        }
        answer_.route = matched.target->route;
        answer_.origin = matched.target->origin;
        answer_.backend = matched.target->backend;
        answer_.backendId = matched.target->backendId;
        step("The request goes to backend " + inQuotes(answer_.backend) + " (route of " +
             answer_.origin + ").");
        if (const routing::RoutePolicy* policy = matched.target->policy.get())
            explainPolicy(*policy, rawPath);
    }

    void explainPolicy(const routing::RoutePolicy& policy, const std::string& rawPath) {
        for (std::string& text : policySteps(policy, rawPath, answer_.path))
            step(std::move(text));
        if (policy.redirectToHttps &&
            listener_->listener.protocol != model::ListenerProtocol::https)
            answer_.status = 308;
    }

    const routing::Snapshot& snapshot_;
    const routing::ListenerSpec* listener_ = nullptr;
    Explanation answer_;
};

}  // namespace

std::optional<UrlParts> splitUrl(std::string_view url) {
    UrlParts parts;
    std::string_view rest = url;
    const auto scheme = rest.find("://");
    if (scheme != std::string_view::npos && scheme < rest.find_first_of("/?#")) {
        const std::string name = model::lowerCase(rest.substr(0, scheme));
        if (name != "http" && name != "https")
            return std::nullopt;
        parts.tls = name == "https";
        if (parts.tls)
            parts.port = 443;
        rest.remove_prefix(scheme + 3);
        if (rest.empty())
            return std::nullopt;
    }
    if (rest.empty())
        return std::nullopt;
    const auto slash = rest.find_first_of("/?#");
    const std::string_view authority = rest.substr(0, slash);
    if (authority.find('@') != std::string_view::npos)
        return std::nullopt;
    if (!authority.empty() && !splitAuthority(authority, parts))
        return std::nullopt;
    if (slash != std::string_view::npos)
        rest.remove_prefix(slash);
    parts.path = slash == std::string_view::npos
                     ? "/"
                     : std::string(rest.substr(0, rest.find_first_of("?#")));
    if (parts.path.empty())
        parts.path = "/";
    return parts;
}

void explainEndpoints(const std::vector<worker::BackendStats>& backends, Explanation& answer) {
    if (answer.status != 0 || !answer.backendId)
        return;
    const auto backend = std::find_if(backends.begin(), backends.end(),
                                      [&](const auto& one) { return one.id == *answer.backendId; });
    std::size_t taking = 0;
    std::size_t out = 0;
    if (backend != backends.end()) {
        for (const worker::EndpointStats& endpoint : backend->endpoints) {
            if (endpoint.retired || endpoint.weight == 0)
                continue;
            ++taking;
            out += !endpoint.up || endpoint.ejected || endpoint.failing ? 1 : 0;
        }
    }
    if (taking == 0) {
        answer.status = 503;
        answer.steps.push_back("Backend " + inQuotes(answer.backend) +
                               " has no endpoint that takes new requests: we answer 503 "
                               "(no_endpoint), or reset what is not HTTP to us.");
    } else if (out == taking) {
        answer.steps.emplace_back(
            "Every endpoint failed its checks or its last connects; they are tried all the same.");
    }
}

std::variant<Explanation, std::string> explain(const routing::Snapshot& snapshot,
                                               const ExplainRequest& request) {
    Explainer explainer(snapshot);
    std::string problem = explainer.run(request);
    if (!problem.empty())
        return problem;
    return explainer.take();
}

}  // namespace evergate::dataplane
