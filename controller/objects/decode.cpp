// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/decode.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "controller/objects/base64.hpp"
#include "controller/objects/field.hpp"
#include "controller/objects/timestamp.hpp"

namespace evergate::controller {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

// A key with other bytes in it cannot exist in a cluster, and must not reach a log.
bool isAnnotationKey(std::string_view key) noexcept {
    return key.size() <= 317 && std::all_of(key.begin(), key.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '/' || c == '-' || c == '_';
           });
}

bool isReadAnnotation(std::string_view key) noexcept {
    return (key.starts_with("evergate.io/") && isAnnotationKey(key)) ||
           key == "kubernetes.io/ingress.class" ||
           key == "ingressclass.kubernetes.io/is-default-class";
}

// The values of foreign ones, configuration and credentials of others, are nobody's business here.
// The document keeps its members sorted, so the result is.
Annotations decodeAnnotations(const Field& field) {
    Annotations annotations;
    field.eachMember([&](const std::string& key, const Field& value) {
        if (isReadAnnotation(key)) {
            annotations.emplace_back(key, value.text());
        } else if (isForeignAnnotation(key) && isAnnotationKey(key)) {
            annotations.emplace_back(key, std::string());
        }
    });
    return annotations;
}

ObjectName decodeName(const Field& metadata, bool namespaced) {
    ObjectName id{metadata["namespace"].text(), metadata["name"].text()};
    if (!isObjectName(id.name)) {
        metadata["name"].fail(id.name.empty() ? "is required" : "is not a valid object name");
    }
    if (!namespaced) {
        id.ns.clear();
    } else if (id.ns.empty()) {
        id.ns = "default";
    } else if (!isObjectName(id.ns)) {
        metadata["namespace"].fail("is not a valid namespace name");
    }
    return id;
}

Metadata decodeMetadata(const Field& root, ResourceKind kind) {
    const Field field = root["metadata"];
    Metadata metadata;
    metadata.id = decodeName(field, kind != ResourceKind::ingressClass);
    metadata.uid = field["uid"].text();
    metadata.resourceVersion = field["resourceVersion"].text();
    metadata.generation = field["generation"].int64();
    metadata.annotations = decodeAnnotations(field["annotations"]);
    const Field created = field["creationTimestamp"];
    if (const std::string text = created.text(); !text.empty()) {
        const auto seconds = parseTimestamp(text);
        if (!seconds) {
            created.fail("is not an RFC 3339 time");
        }
        metadata.createdAt = seconds.value_or(0);
    }
    return metadata;
}

IngressBackend decodeBackend(const Field& field) {
    IngressBackend backend;
    const Field service = field["service"];
    backend.service = service["name"].text();
    const Field port = service["port"];
    backend.port = {port["name"].text(), port["number"].int32()};
    backend.resource = field["resource"].isObject();
    return backend;
}

IngressRule decodeRule(const Field& field) {
    IngressRule rule;
    rule.host = field["host"].text();
    field["http"]["paths"].eachElement([&](const Field& path) {
        rule.paths.push_back(
            {path["path"].text(), path["pathType"].text(), decodeBackend(path["backend"])});
    });
    return rule;
}

Ingress decodeIngress(const Field& root, Metadata metadata) {
    Ingress ingress;
    ingress.metadata = std::move(metadata);
    const Field spec = root["spec"];
    ingress.ingressClassName = spec["ingressClassName"].optionalText();
    if (const Field backend = spec["defaultBackend"]; backend.present()) {
        ingress.defaultBackend = decodeBackend(backend);
    }
    spec["rules"].eachElement(
        [&](const Field& rule) { ingress.rules.push_back(decodeRule(rule)); });
    spec["tls"].eachElement([&](const Field& each) {
        IngressTls& tls = ingress.tls.emplace_back();
        each["hosts"].eachElement([&](const Field& host) { tls.hosts.push_back(host.text()); });
        tls.secretName = each["secretName"].text();
    });
    root["status"]["loadBalancer"]["ingress"].eachElement([&](const Field& each) {
        ingress.published.push_back({each["ip"].text(), each["hostname"].text()});
    });
    return ingress;
}

IngressClass decodeIngressClass(const Field& root, Metadata metadata) {
    return {std::move(metadata), root["spec"]["controller"].text()};
}

// Absent means TCP, here and in slices.
bool isTcp(const Field& protocol) {
    const auto text = protocol.optionalText();
    return !text || *text == "TCP";
}

Service decodeService(const Field& root, Metadata metadata) {
    Service service;
    service.metadata = std::move(metadata);
    const Field spec = root["spec"];
    service.externalName = spec["type"].text() == "ExternalName";
    spec["ports"].eachElement([&](const Field& port) {
        service.ports.push_back({port["name"].text(), port["port"].int32(), isTcp(port["protocol"]),
                                 port["appProtocol"].quietText() == "kubernetes.io/h2c"});
    });
    return service;
}

AddressType decodeAddressType(const Field& field) {
    const std::string text = field.text();
    if (text == "IPv4") {
        return AddressType::ipv4;
    }
    if (text == "IPv6") {
        return AddressType::ipv6;
    }
    return text == "FQDN" ? AddressType::fqdn : AddressType::other;
}

EndpointSlice decodeEndpointSlice(const Field& root, Metadata metadata) {
    EndpointSlice slice;
    slice.metadata = std::move(metadata);
    slice.metadata.annotations.clear();
    slice.service = root["metadata"]["labels"][kServiceNameLabel].text();
    slice.addressType = decodeAddressType(root["addressType"]);
    root["endpoints"].eachElement([&](const Field& endpoint) {
        const Field conditions = endpoint["conditions"];
        const bool ready = conditions["ready"].flag(true);
        const bool terminating = conditions["terminating"].flag(false);
        endpoint["addresses"].eachElement([&](const Field& address) {
            slice.endpoints.push_back({address.text(), ready, terminating});
        });
    });
    root["ports"].eachElement([&](const Field& port) {
        slice.ports.push_back({port["name"].text(), port["port"].int32(), isTcp(port["protocol"])});
    });
    slice.endpoints.shrink_to_fit();
    slice.ports.shrink_to_fit();
    return slice;
}

// One entry of `data`, or of `stringData`, which counts more and which only files have.
std::string decodeSecretText(const Field& root, std::string_view name) {
    const Field stringData = root["stringData"];
    const Field data = root["data"];
    const Field plain = stringData[name];
    const Field encoded = data[name];
    auto text = plain.optionalText();
    if (!text) {
        text = decodeBase64(encoded.text());
        if (!text) {
            encoded.fail("is not base64");
            return {};
        }
    }
    if (text->size() > kMaxSecretText) {
        (plain.present() ? plain : encoded)
            .fail("is larger than " + std::to_string(kMaxSecretText) + " bytes");
        return {};
    }
    return *std::move(text);
}

// ca.crt and ca.crl matter to few: what is wrong with them is told where they are wanted, and never
// keeps the pair from being served. Nothing: absent; empty: cannot be read.
std::optional<std::string> decodeQuietly(const Field& root, std::string_view name,
                                         std::size_t most) {
    const Field stringData = root["stringData"];
    const Field data = root["data"];
    const Field plain = stringData[name];
    const Field encoded = data[name];
    if (!plain.present() && !encoded.present()) {
        return std::nullopt;
    }
    auto text = plain.quietText();
    if (!text) {
        const auto base64 = encoded.quietText();
        text = base64 ? decodeBase64(*base64) : std::nullopt;
    }
    return text && text->size() <= most ? *std::move(text) : std::string();
}

Object decodeSecret(const Field& root, Metadata metadata) {
    if (root["type"].text() != kTlsSecretType) {
        return Unknown{std::string(apiVersion(ResourceKind::secret)), "Secret",
                       std::move(metadata.id)};
    }
    metadata.annotations.clear();
    return Secret{std::move(metadata),
                  std::make_shared<const TlsKeyPair>(decodeSecretText(root, "tls.crt"),
                                                     decodeSecretText(root, "tls.key")),
                  decodeQuietly(root, "ca.crt", kMaxSecretText).value_or(""),
                  decodeQuietly(root, "ca.crl", kMaxRevocationText)};
}

Object decodeBody(ResourceKind kind, const Field& root, Metadata metadata) {
    switch (kind) {
        case ResourceKind::ingress:
            return decodeIngress(root, std::move(metadata));
        case ResourceKind::ingressClass:
            return decodeIngressClass(root, std::move(metadata));
        case ResourceKind::service:
            return decodeService(root, std::move(metadata));
        case ResourceKind::secret:
            return decodeSecret(root, std::move(metadata));
        case ResourceKind::endpointSlice:
            break;
    }
    return decodeEndpointSlice(root, std::move(metadata));
}

DecodeProblem notAnObject(std::string what) {
    return {std::nullopt, {"object", "", std::move(what)}};
}

// What to call an object that may lack half of what names it.
DecodeProblem problemWith(ResourceKind kind, const ObjectName& id, FieldProblem problem) {
    const bool named = isObjectName(id.name) && (id.ns.empty() || isObjectName(id.ns));
    const ObjectKey key{kind, named ? id : ObjectName{}};
    return {named ? std::optional(key) : std::nullopt,
            {named ? toText(key) : std::string(kindName(kind)) + " without a valid name",
             std::move(problem.where), std::move(problem.what)}};
}

std::variant<Json, DecodeProblem> parseJson(std::string_view text) {
    if (text.size() > kMaxObjectBytes) {
        return notAnObject("is larger than " + std::to_string(kMaxObjectBytes) + " bytes");
    }
    try {
        return Json::parse(text.begin(), text.end());
    } catch (const Json::parse_error& error) {
        return notAnObject("is not JSON: error at byte " + std::to_string(error.byte));
    } catch (const Json::exception&) {
        return notAnObject("is not JSON: a number is out of range");
    }
}

std::string_view groupOf(std::string_view apiVersion) noexcept {
    const std::size_t slash = apiVersion.find('/');
    return slash == std::string_view::npos ? std::string_view() : apiVersion.substr(0, slash);
}

std::optional<ResourceKind> kindNamed(std::string_view name) noexcept {
    const auto it = std::find_if(kResourceKinds.begin(), kResourceKinds.end(),
                                 [&](ResourceKind kind) { return kindName(kind) == name; });
    return it == kResourceKinds.end() ? std::nullopt : std::optional(*it);
}

// Another group may well use the same kind name (Knative has a Service); an old version of our
// group is a mistake worth telling.
bool isOldVersion(ResourceKind kind, std::string_view version) noexcept {
    return groupOf(version) == groupOf(apiVersion(kind)) || groupOf(version) == "extensions";
}

}  // namespace

Decoded decodeParsedAs(ResourceKind kind, const Json& json) {
    if (!json.is_object()) {
        return notAnObject(std::string("must be an object, not ") + json.type_name());
    }
    std::optional<FieldProblem> problem;
    const Field root(json, problem);
    Metadata metadata = decodeMetadata(root, kind);
    const ObjectName id = metadata.id;
    Object object = decodeBody(kind, root, std::move(metadata));
    if (problem) {
        return problemWith(kind, id, std::move(*problem));
    }
    return object;
}

Decoded decodeParsed(const Json& json) {
    if (!json.is_object()) {
        return notAnObject(std::string("must be an object, not ") + json.type_name());
    }
    std::optional<FieldProblem> problem;
    const Field root(json, problem);
    Unknown unknown{root["apiVersion"].text(), root["kind"].text(), {}};
    if (!problem && unknown.kind.empty()) {
        root["kind"].fail("is required");
    }
    if (!problem && unknown.apiVersion.empty()) {
        root["apiVersion"].fail("is required");
    }
    if (problem) {
        return DecodeProblem{std::nullopt,
                             {"object", std::move(problem->where), std::move(problem->what)}};
    }
    const auto kind = kindNamed(unknown.kind);
    if (kind && unknown.apiVersion == apiVersion(*kind)) {
        return decodeParsedAs(*kind, json);
    }
    std::optional<FieldProblem> ignored;
    const Field again(json, ignored);
    const Field metadata = again["metadata"];
    unknown.id = {metadata["namespace"].text(), metadata["name"].text()};
    if (kind && isOldVersion(*kind, unknown.apiVersion)) {
        return problemWith(*kind, unknown.id,
                           {"apiVersion", "must be " + std::string(apiVersion(*kind))});
    }
    return Object(std::move(unknown));
}

Decoded decodeObject(std::string_view text) {
    auto parsed = parseJson(text);
    if (auto* problem = std::get_if<DecodeProblem>(&parsed)) {
        return std::move(*problem);
    }
    return decodeParsed(std::get<Json>(parsed));
}

Decoded decodeAs(ResourceKind kind, std::string_view text) {
    auto parsed = parseJson(text);
    if (auto* problem = std::get_if<DecodeProblem>(&parsed)) {
        return std::move(*problem);
    }
    return decodeParsedAs(kind, std::get<Json>(parsed));
}

}  // namespace evergate::controller
