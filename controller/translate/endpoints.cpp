// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/endpoints.hpp"

#include <algorithm>
#include <string>
#include <tuple>

#include "common/model/json.hpp"
#include "controller/translate/ip_address.hpp"

namespace evergate::controller {
namespace {

void report(ProblemList* problems, const EndpointSlice& slice, std::string where,
            std::string what) {
    if (problems != nullptr) {
        problems->add(toText({ResourceKind::endpointSlice, slice.metadata.id}), std::move(where),
                      std::move(what));
    }
}

const char* objection(const std::optional<IpAddress>& address, const EndpointSlice& slice,
                      const TranslateOptions& options) {
    if (!address) {
        return "is not an IP address; left out";
    }
    if (address->v6 != (slice.addressType == AddressType::ipv6)) {
        return "is not of the slice's addressType; left out";
    }
    if (address->isUnspecifiedOrMulticast()) {
        return "is not the address of one host; left out";
    }
    if (!options.loopbackEndpoints && address->isLoopbackOrLinkLocal()) {
        return "is a loopback or link-local address; left out";
    }
    return nullptr;
}

void appendReady(const EndpointSlice& slice, std::uint16_t port, const TranslateOptions& options,
                 ProblemList* problems, std::vector<model::Endpoint>& out) {
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
        const SliceEndpoint& endpoint = slice.endpoints[i];
        if (!endpoint.ready || endpoint.terminating) {
            continue;
        }
        const auto address = parseIpAddress(endpoint.address);
        if (const char* why = objection(address, slice, options)) {
            report(problems, slice, "addresses[" + std::to_string(i) + ']', why);
            continue;
        }
        // An IPv4 address that parses has one spelling.
        out.push_back({address->v6 ? address->toText() : endpoint.address, port, 1});
    }
}

bool hasAddresses(const EndpointSlice& slice, ProblemList* problems) {
    if (slice.addressType == AddressType::ipv4 || slice.addressType == AddressType::ipv6) {
        return true;
    }
    report(problems, slice, "addressType",
           slice.addressType == AddressType::fqdn ? "FQDN slices are not supported; left out"
                                                  : "must be IPv4 or IPv6; left out");
    return false;
}

void appendSlice(const EndpointSlice& slice, const std::string& portName,
                 const TranslateOptions& options, ProblemList* problems,
                 std::vector<model::Endpoint>& out) {
    if (!hasAddresses(slice, problems)) {
        return;
    }
    for (std::size_t i = 0; i < slice.ports.size(); ++i) {
        const SlicePort& port = slice.ports[i];
        if (port.name != portName || !port.tcp) {
            continue;
        }
        if (port.port < 1 || port.port > 65535) {
            report(problems, slice, "ports[" + std::to_string(i) + "].port",
                   "must be from 1 to 65535; left out");
            continue;
        }
        appendReady(slice, static_cast<std::uint16_t>(port.port), options, problems, out);
    }
}

}  // namespace

model::Endpoints endpointsOf(const ObjectStore& store, const TranslateOptions& options,
                             const BackendReference& reference, ProblemList* problems) {
    model::Endpoints result;
    const Service* service = store.service(reference.service);
    const ServicePort* port = service == nullptr || service->externalName
                                  ? nullptr
                                  : resolvePort(*service, reference.port);
    if (port == nullptr) {
        return result;
    }
    auto& all = result.endpoints;
    for (const EndpointSlice* slice : store.slicesOf(reference.service)) {
        appendSlice(*slice, port->name, options, problems, all);
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (all.size() > model::kMaxEndpointsPerBackend) {
        all.resize(model::kMaxEndpointsPerBackend);
        if (problems != nullptr) {
            problems->add(toText({ResourceKind::service, reference.service}), "spec.ports",
                          "has more endpoints than a backend can take; the rest is left out");
        }
    }
    return result;
}

}  // namespace evergate::controller
