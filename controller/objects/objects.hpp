// SPDX-License-Identifier: Apache-2.0
// The Kubernetes objects we read, with only the fields we read; plain values.
//
// Decoded strictly from what an API server or a manifest gives (decode.hpp): names are valid object
// names, a namespaced object without a namespace is in "default". What the fields mean together is
// translate's business: a value here may still be out of range or refer to nothing.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace evergate::controller {

enum class ResourceKind : std::uint8_t { ingress, ingressClass, service, endpointSlice, secret };

inline constexpr std::array kResourceKinds = {ResourceKind::ingress, ResourceKind::ingressClass,
                                              ResourceKind::service, ResourceKind::endpointSlice,
                                              ResourceKind::secret};

std::string_view kindName(ResourceKind kind) noexcept;    // "EndpointSlice"
std::string_view apiVersion(ResourceKind kind) noexcept;  // "discovery.k8s.io/v1"

struct ObjectName {
    std::string ns;  // empty for cluster-scoped kinds
    std::string name;

    friend auto operator<=>(const ObjectName&, const ObjectName&) = default;
};

struct ObjectKey {
    ResourceKind kind = ResourceKind::ingress;
    ObjectName name;

    friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

std::string toText(const ObjectKey& key);  // "Ingress shop/cart", "IngressClass evergate"
// Reads such a text back: finds the object that an ObjectProblem is about. Nothing for any other
// text ("File a.yaml", "route/shop/cart/0/0").
std::optional<ObjectKey> keyFromText(std::string_view text);

// Only evergate.io/*, kubernetes.io/ingress.class and ingressclass.kubernetes.io/is-default-class;
// of foreign ones the names, without their values. Sorted by key.
using Annotations = std::vector<std::pair<std::string, std::string>>;

// Of another ingress controller: ingress-nginx, HAProxy's.
bool isForeignAnnotation(std::string_view key) noexcept;

struct Metadata {
    ObjectName id;
    std::string uid;
    std::string resourceVersion;
    std::int64_t createdAt = 0;  // creationTimestamp in seconds since 1970; 0 when absent
    std::int64_t generation = 0;
    Annotations annotations;

    const std::string* annotation(std::string_view key) const noexcept;  // null when absent
};

// A port of a Service by name or by number; both empty when neither was given.
struct PortReference {
    std::string name;
    std::int32_t number = 0;

    friend auto operator<=>(const PortReference&, const PortReference&) = default;
};

struct IngressBackend {
    std::string service;
    PortReference port;
    bool resource = false;  // names a resource instead of a Service

    friend bool operator==(const IngressBackend&, const IngressBackend&) = default;
};

struct IngressPath {
    std::string path;
    std::string pathType;  // as written; empty when absent
    IngressBackend backend;

    friend bool operator==(const IngressPath&, const IngressPath&) = default;
};

struct IngressRule {
    std::string host;
    std::vector<IngressPath> paths;  // of rules[].http

    friend bool operator==(const IngressRule&, const IngressRule&) = default;
};

// What https listeners are to show to clients that ask for one of these hosts.
struct IngressTls {
    std::vector<std::string> hosts;  // none: those of the rules
    std::string secretName;          // empty: the default certificate

    friend bool operator==(const IngressTls&, const IngressTls&) = default;
};

// Where an Ingress can be reached, as its status says: an address or a name.
struct PublishedAddress {
    std::string ip;
    std::string hostname;

    friend auto operator<=>(const PublishedAddress&, const PublishedAddress&) = default;
};

struct Ingress {
    Metadata metadata;
    std::optional<std::string> ingressClassName;
    std::optional<IngressBackend> defaultBackend;
    std::vector<IngressRule> rules;
    std::vector<IngressTls> tls;
    std::vector<PublishedAddress> published{};  // status.loadBalancer.ingress; means nothing to us
};

struct IngressClass {
    Metadata metadata;
    std::string controller;
};

struct ServicePort {
    std::string name;
    std::int32_t port = 0;
    bool tcp = true;
    bool http2 = false;  // appProtocol: kubernetes.io/h2c (KEP-3726)

    friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Service {
    Metadata metadata;
    bool externalName = false;  // spec.type is ExternalName
    std::vector<ServicePort> ports;
};

enum class AddressType : std::uint8_t { ipv4, ipv6, fqdn, other };

// One address of a slice: an endpoint with several addresses becomes several of these.
struct SliceEndpoint {
    std::string address;
    bool ready = true;  // absent means ready
    bool terminating = false;

    friend bool operator==(const SliceEndpoint&, const SliceEndpoint&) = default;
};

struct SlicePort {
    std::string name;
    std::int32_t port = 0;  // 0 when absent ("all ports")
    bool tcp = true;

    friend bool operator==(const SlicePort&, const SlicePort&) = default;
};

struct EndpointSlice {
    Metadata metadata;
    std::string service;  // label kubernetes.io/service-name; empty when absent
    AddressType addressType = AddressType::ipv4;
    std::vector<SliceEndpoint> endpoints;
    std::vector<SlicePort> ports;

    ObjectName serviceName() const { return {metadata.id.ns, service}; }
};

// A certificate with its key as a Secret has them: PEM, not looked at. The key is wiped when the
// pair goes.
struct TlsKeyPair {
    std::string chain;  // the host's certificate first
    std::string key;

    TlsKeyPair(std::string chainPem, std::string keyPem)
        : chain(std::move(chainPem)), key(std::move(keyPem)) {}

    TlsKeyPair(const TlsKeyPair&) = delete;
    TlsKeyPair& operator=(const TlsKeyPair&) = delete;
    ~TlsKeyPair();

    friend bool operator==(const TlsKeyPair&, const TlsKeyPair&) = default;
};

// A Secret of type kubernetes.io/tls; those of any other type are Unknown. Copies share the pair.
struct Secret {
    Metadata metadata;
    std::shared_ptr<const TlsKeyPair> pair;  // never null in a decoded Secret
    std::string authorities{};  // ca.crt: PEM, not looked at; empty: absent, or cannot be read
    std::optional<std::string> revocations{};  // ca.crl; none: absent; empty: cannot be read
};

inline constexpr std::string_view kTlsSecretType = "kubernetes.io/tls";

// An object of a kind we do not read.
struct Unknown {
    std::string apiVersion;
    std::string kind;
    ObjectName id;
};

using Object = std::variant<Ingress, IngressClass, Service, EndpointSlice, Secret, Unknown>;

// Key of a known object; nothing for Unknown.
std::optional<ObjectKey> keyOf(const Object& object);

// True when both say the same to translation: everything but uid, resourceVersion,
// generation and status.
bool sameMeaning(const Ingress& a, const Ingress& b);
bool sameMeaning(const IngressClass& a, const IngressClass& b);
bool sameMeaning(const Service& a, const Service& b);
bool sameMeaning(const EndpointSlice& a, const EndpointSlice& b);
bool sameMeaning(const Secret& a, const Secret& b);

// RFC 1123: what Kubernetes takes as the name of an object, at most 253 bytes.
bool isObjectName(std::string_view text) noexcept;

}  // namespace evergate::controller
