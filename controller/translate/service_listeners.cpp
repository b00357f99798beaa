// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/service_listeners.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "controller/translate/annotations.hpp"

namespace evergate::controller {
namespace {

std::string textOf(const Service& service) {
    return toText({ResourceKind::service, service.metadata.id});
}

void report(ProblemList* problems, const Service& service, std::string_view key, std::string what) {
    if (problems != nullptr) {
        problems->add(textOf(service), annotationPath(key), std::move(what));
    }
}

PortReference referTo(const ServicePort& port) {
    return port.name.empty() || !isPortName(port.name) ? PortReference{{}, port.port}
                                                       : PortReference{port.name, 0};
}

// The port the annotation `key` names, else the first TCP port.
std::optional<PortReference> targetPort(const Service& service, std::string_view key,
                                        ProblemList* problems) {
    if (const std::string* text = service.metadata.annotation(key)) {
        auto parsed = parsePortReference(*text);
        if (const auto* port = std::get_if<PortReference>(&parsed)) {
            if (resolvePort(service, *port) != nullptr) {
                return *port;
            }
            report(problems, service, key, "the Service has no TCP port " + toText(*port));
            return std::nullopt;
        }
        report(problems, service, key, std::get<SyntaxError>(parsed).what + "; ignored");
    }
    const auto first = std::find_if(
        service.ports.begin(), service.ports.end(),
        [](const auto& port) { return port.tcp && port.port >= 1 && port.port <= 65535; });
    return first == service.ports.end() ? std::nullopt : std::optional(referTo(*first));
}

struct Asked {
    std::string_view portKey;
    std::string_view targetKey;
    model::ListenerProtocol protocol;
};

constexpr std::array kAsked = {
    Asked{annotation::kTcpPort, annotation::kTcpServicePort, model::ListenerProtocol::tcp},
    Asked{annotation::kHttpPort, annotation::kHttpServicePort, model::ListenerProtocol::http},
};

// tcp as it is, or behind TLS; nothing: that cannot be told, and nothing must be open by mistake.
std::optional<model::ListenerProtocol> tcpProtocol(const Service& service, ProblemList* problems) {
    const std::string* text = service.metadata.annotation(annotation::kTcpTls);
    bool tls = false;
    const Complaint complaint = text == nullptr ? Complaint() : readFlag(*text, tls);
    if (!complaint.empty()) {
        report(problems, service, annotation::kTcpTls, complaint + "; the port is not opened");
        return std::nullopt;
    }
    return tls ? model::ListenerProtocol::tls : model::ListenerProtocol::tcp;
}

std::optional<ListenerRequest> requestFor(const Service& service, const Asked& asked,
                                          ProblemList* problems) {
    const std::string* text = service.metadata.annotation(asked.portKey);
    if (text == nullptr) {
        return std::nullopt;
    }
    const auto port = parsePort(*text);
    if (const auto* error = std::get_if<SyntaxError>(&port)) {
        report(problems, service, asked.portKey, error->what + "; ignored");
        return std::nullopt;
    }
    if (service.externalName) {
        report(problems, service, asked.portKey,
               "ExternalName Services are not supported; ignored");
        return std::nullopt;
    }
    const auto target = targetPort(service, asked.targetKey, problems);
    if (!target) {
        report(problems, service, asked.portKey, "there is no TCP port to send to; ignored");
        return std::nullopt;
    }
    const auto protocol = asked.protocol == model::ListenerProtocol::tcp
                              ? tcpProtocol(service, problems)
                              : std::optional(asked.protocol);
    if (!protocol) {
        return std::nullopt;
    }
    return ListenerRequest{&service,
                           std::string(asked.portKey),
                           *protocol,
                           std::get<std::uint16_t>(port),
                           {service.metadata.id, *target}};
}

void emitListener(const ListenerRequest& request, const TranslateOptions& options,
                  const GivenAnnotations& given, model::Config& config) {
    const std::string name = request.listenerName();
    model::Listener listener{options.listenAddress, request.port, request.protocol};
    RouteClaim claim;
    applyToRoute(given, {}, claim);
    model::Route& route = claim.route;
    if (model::carriesBytes(request.protocol)) {
        listener.backend = request.target.backendName();
        listener.restrictSources = route.restrictSources;
        listener.allowSources = std::move(route.allowSources);
    } else {
        route.listeners = {name};
        route.backend = request.target.backendName();
        route.origin = textOf(*request.service);
        // Never the name of a route of an Ingress: those end in a number or "default".
        config.put({model::Kind::route, name + "/all"}, std::move(route));
    }
    config.put({model::Kind::listener, name}, std::move(listener));
}

}  // namespace

std::string ListenerRequest::listenerName() const {
    const ObjectName& id = service->metadata.id;
    return model::carriesBytes(protocol)
               ? "tcp/" + id.ns + '/' + id.name + '/' + std::to_string(port)
               : "http/" + id.ns + '/' + id.name;
}

std::vector<ListenerRequest> listenerRequests(const Service& service, ProblemList* problems) {
    std::vector<ListenerRequest> requests;
    if (service.metadata.annotations.empty()) {
        return requests;
    }
    if (service.metadata.annotation(annotation::kTcpTls) != nullptr &&
        service.metadata.annotation(annotation::kTcpPort) == nullptr) {
        report(problems, service, annotation::kTcpTls, "has no effect without tcp-port");
    }
    for (const Asked& asked : kAsked) {
        if (auto request = requestFor(service, asked, problems)) {
            requests.push_back(std::move(*request));
        }
    }
    return requests;
}

std::vector<ListenerRequest> listenerRequests(const ObjectStore& store, ProblemList& problems) {
    std::vector<ListenerRequest> all;
    for (const auto& [id, service] : store.services()) {
        auto requests = listenerRequests(service, &problems);
        std::move(requests.begin(), requests.end(), std::back_inserter(all));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::tie(a.service->metadata.createdAt, a.service->metadata.id) <
               std::tie(b.service->metadata.createdAt, b.service->metadata.id);
    });
    return all;
}

void emitListeners(const std::vector<ListenerRequest>& requests, const TranslateOptions& options,
                   const ServiceAnnotations& services, model::Config& config,
                   ProblemList& problems) {
    std::map<std::uint16_t, std::string> owners;
    for (const std::uint16_t port : options.reservedPorts) {
        owners.emplace(port, "Evergate itself");
    }
    if (options.https) {
        owners[options.https->port] = "the https listener";
    }
    owners[options.listenPort] = "the http listener";
    for (const ListenerRequest& request : requests) {
        if (request.protocol == model::ListenerProtocol::tls && !options.https) {
            report(
                &problems, *request.service, annotation::kTcpTls,
                "shows a self-signed certificate: without an https listener no Secrets are read");
        }
        const auto [it, inserted] = owners.try_emplace(request.port, textOf(*request.service));
        if (inserted) {
            emitListener(request, options, services.of(request.service->metadata.id), config);
        } else {
            report(&problems, *request.service, request.annotation,
                   "port " + std::to_string(request.port) + " already belongs to " + it->second +
                       "; ignored");
        }
    }
}

}  // namespace evergate::controller
