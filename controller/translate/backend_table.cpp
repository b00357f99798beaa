// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/backend_table.hpp"

#include <algorithm>

#include "common/model/backend_protocol.hpp"
#include "controller/translate/endpoints.hpp"
#include "controller/translate/foreign_annotations.hpp"

namespace evergate::controller {
namespace {

// The name no certificate has (RFC 2606): with it, verification fails whoever asks.
constexpr const char* kTrustNobody = "no-authority.invalid";

bool callsByName(const model::Backend& backend) {
    const auto check = backend.healthCheck.type;
    return check != model::HealthCheckType::none &&
           (check != model::HealthCheckType::tcp || model::usesTls(backend.protocol));
}

// Why an annotation that needs this has no effect on `backend`; null when it has one.
const char* missing(AnnotationNeeds needs, const model::Backend& backend) {
    const auto check = backend.healthCheck.type;
    switch (needs) {
        case AnnotationNeeds::nothing:
            return nullptr;
        case AnnotationNeeds::healthCheck:
            return check != model::HealthCheckType::none
                       ? nullptr
                       : "has no effect without a health check: set evergate.io/health-check";
        case AnnotationNeeds::httpHealthCheck:
            return check == model::HealthCheckType::http
                       ? nullptr
                       : "has no effect: evergate.io/health-check is not http";
        case AnnotationNeeds::checkByName:
            return callsByName(backend)
                       ? nullptr
                       : "has no effect: evergate.io/health-check is none, or tcp without TLS";
        case AnnotationNeeds::grpcHealthCheck:
            return check == model::HealthCheckType::grpc
                       ? nullptr
                       : "has no effect: evergate.io/health-check is not grpc";
        case AnnotationNeeds::hash:
            return backend.balance == model::BalanceAlgorithm::consistentHash
                       ? nullptr
                       : "has no effect: evergate.io/load-balance is not hash";
        case AnnotationNeeds::outlier:
            return model::watches(backend.outlier)
                       ? nullptr
                       : "has no effect without evergate.io/outlier-consecutive-failures, "
                         "-failure-percent or -latency-percent";
        case AnnotationNeeds::retries:
            return backend.retries > 0 ? nullptr : "has no effect: evergate.io/retries is 0";
        case AnnotationNeeds::https:
            return model::usesTls(backend.protocol)
                       ? nullptr
                       : "has no effect: evergate.io/protocol is not https, h2 or grpcs";
    }
    return nullptr;
}

}  // namespace

void BackendTable::addIngress(const Ingress& ingress, const GivenAnnotations& given) {
    const ObjectKey key{ResourceKind::ingress, ingress.metadata.id};
    forEachBackend(ingress, [&](const IngressBackend& backend, const std::string& where) {
        auto parsed = referenceOf(ingress.metadata.id.ns, backend);
        if (auto* error = std::get_if<ReferenceError>(&parsed)) {
            problems_.add(toText(key), where + '.' + error->field, std::move(error->what));
            return;
        }
        const auto& reference = std::get<BackendReference>(parsed);
        checkTarget(key, where, reference);
        Use& use = uses_.try_emplace(reference.backendName(), Use{reference, {}}).first->second;
        // What the Service says counts for whoever refers to it.
        const GivenAnnotations& stronger = services_.of(reference.service);
        for (const GivenAnnotation& each : given) {
            if (each.row->backend != nullptr && !contains(stronger, *each.row)) {
                addWord(key, each, use);
            }
        }
    });
}

void BackendTable::add(const BackendReference& reference) {
    uses_.try_emplace(reference.backendName(), Use{reference, {}});
}

void BackendTable::checkTarget(const ObjectKey& from, const std::string& where,
                               const BackendReference& reference) {
    const std::string target = toText({ResourceKind::service, reference.service});
    const Service* service = store_.service(reference.service);
    if (service == nullptr) {
        problems_.add(toText(from), where + ".service.name", target + " does not exist");
    } else if (service->externalName) {
        problems_.add(toText(from), where + ".service.name",
                      target + " is of type ExternalName, which is not supported");
    } else if (resolvePort(*service, reference.port) == nullptr) {
        problems_.add(toText(from), where + ".service.port",
                      target + " has no TCP port " + toText(reference.port));
    }
}

void BackendTable::addWord(const ObjectKey& from, const GivenAnnotation& given, Use& use) {
    const auto first = std::find_if(use.words.begin(), use.words.end(),
                                    [&](const Word& word) { return word.given.row == given.row; });
    if (first == use.words.end()) {
        use.words.push_back({given, from});
    } else if (!sameMeaning(*given.row, first->given.value, given.value)) {
        problems_.add(toText(from), annotationPath(given.row->name),
                      "differs from that of " + toText(first->from) + " for backend " +
                          use.reference.backendName() + "; ignored there");
    }
}

model::Backend BackendTable::backendOf(const Use& use, CertificateTable* certificates) {
    model::Backend backend;
    const Service* const service = store_.service(use.reference.service);
    const ServicePort* const port =
        service != nullptr ? resolvePort(*service, use.reference.port) : nullptr;
    if (port != nullptr && port->http2) {
        backend.protocol = model::BackendProtocol::h2c;
    }
    const GivenAnnotations& own = services_.of(use.reference.service);
    if (own.empty() && use.words.empty()) {
        return backend;
    }
    std::vector<Word> words;
    for (const GivenAnnotation& each : own) {
        if (each.row->backend != nullptr) {
            words.push_back({each, {ResourceKind::service, use.reference.service}});
        }
    }
    words.insert(words.end(), use.words.begin(), use.words.end());
    for (const Word& word : words) {
        word.given.row->backend(word.given.value, backend);
    }
    settleHealthCheck(words, backend);
    settleAuthorities(words, backend);
    settleCertificate(words, certificates, backend);
    for (const Word& word : words) {
        if (const char* need = missing(word.given.row->needs, backend)) {
            problems_.add(toText(word.from), annotationPath(word.given.row->name), need);
        }
    }
    return backend;
}

// Whoever says what an http or grpc check looks like wants one.
void BackendTable::settleHealthCheck(const std::vector<Word>& words, model::Backend& backend) {
    const bool said = std::any_of(words.begin(), words.end(), [](const Word& word) {
        return word.given.row->name == annotation::kHealthCheck;
    });
    const auto implied = [&](AnnotationNeeds needs) {
        return std::any_of(words.begin(), words.end(),
                           [&](const Word& word) { return word.given.row->needs == needs; });
    };
    if (!said && implied(AnnotationNeeds::grpcHealthCheck)) {
        backend.healthCheck.type = model::HealthCheckType::grpc;
    } else if (!said && (implied(AnnotationNeeds::httpHealthCheck) ||
                         implied(AnnotationNeeds::checkByName))) {
        backend.healthCheck.type = model::HealthCheckType::http;
    }
}

// Whoever names an authority wants it asked: while it cannot be, nobody is trusted.
void BackendTable::settleAuthorities(const std::vector<Word>& words, model::Backend& backend) {
    const auto find = [&](std::string_view name) {
        return std::find_if(words.begin(), words.end(),
                            [&](const Word& word) { return word.given.row->name == name; });
    };
    const auto word = find(annotation::kBackendTlsCa);
    if (word == words.end()) {
        return;
    }
    const std::string where = annotationPath(annotation::kBackendTlsCa);
    if (!backend.tlsVerify) {
        problems_.add(toText(find(annotation::kBackendTlsVerify)->from),
                      annotationPath(annotation::kBackendTlsVerify),
                      "has no effect: evergate.io/backend-tls-ca asks for verification");
        backend.tlsVerify = true;
    }
    const std::string name(word->given.value);
    if (!isObjectName(name)) {  // noted when it was read
        backend.tlsServerName = kTrustNobody;
        return;
    }
    const Authorities& found = authorities_.of({word->from.name.ns, name});
    if (found.pem.empty()) {
        problems_.add(toText(word->from), where, found.fault + "; no endpoint is trusted");
        backend.tlsServerName = kTrustNobody;
    }
    backend.tlsAuthorities = found.pem;
}

// An endpoint that needs a certificate refuses us without: nothing is opened by showing none.
void BackendTable::settleCertificate(const std::vector<Word>& words, CertificateTable* certificates,
                                     model::Backend& backend) {
    if (backend.tlsCertificate.empty()) {
        return;
    }
    const auto word = std::find_if(words.begin(), words.end(), [](const Word& each) {
        return each.given.row->name == annotation::kBackendTlsSecret;
    });
    std::string fault = "Secrets are not read without an https listener";
    const ObjectName secret{word->from.name.ns, backend.tlsCertificate};
    backend.tlsCertificate =
        certificates == nullptr ? "" : certificates->forEndpoints(secret, fault);
    if (backend.tlsCertificate.empty()) {
        problems_.add(toText(word->from), annotationPath(annotation::kBackendTlsSecret),
                      fault + "; endpoints are shown no certificate");
    }
}

void BackendTable::emit(model::Config& config, CertificateTable* certificates) {
    for (const auto& [name, use] : uses_) {
        const ObjectName& id = use.reference.service;
        if (const Service* service = store_.service(id)) {
            noteForeignAnnotations({ResourceKind::service, id}, service->metadata, problems_);
        }
        config.put({model::Kind::backend, name}, backendOf(use, certificates));
        config.put({model::Kind::endpoints, name},
                   endpointsOf(store_, options_, use.reference, &problems_));
    }
}

}  // namespace evergate::controller
