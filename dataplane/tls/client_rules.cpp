// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_rules.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

namespace evergate::tls {
namespace {

struct NamesDelete {
    void operator()(STACK_OF(X509_NAME) * names) const noexcept {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    }
};

using Names = std::unique_ptr<STACK_OF(X509_NAME), NamesDelete>;

struct CrlDelete {
    void operator()(X509_CRL* crl) const noexcept { X509_CRL_free(crl); }
};

int noPassphrase(char*, int, int, void*) {
    return -1;
}

OpensslPtr<BIO> reader(const std::string& text) {
    return OpensslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Whether reading stopped because there was no more.
bool tookAll(std::size_t count) {
    const unsigned long error = ERR_peek_last_error();
    const bool atEnd =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    return atEnd && count != 0;
}

bool addAuthorities(X509_STORE* store, const std::string& pem) {
    const OpensslPtr<BIO> bio = reader(pem);
    for (std::size_t count = 0;; ++count) {
        const OpensslPtr<X509> one(PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr));
        if (!one)
            return tookAll(count);
        if (X509_STORE_add_cert(store, one.get()) != 1)
            return false;
    }
}

bool addRevocations(X509_STORE* store, const std::string& pem) {
    const OpensslPtr<BIO> bio = reader(pem);
    for (std::size_t count = 0;; ++count) {
        const std::unique_ptr<X509_CRL, CrlDelete> one(
            PEM_read_bio_X509_CRL(bio.get(), nullptr, noPassphrase, nullptr));
        if (!one)
            return tookAll(count);
        if (X509_STORE_add_crl(store, one.get()) != 1)
            return false;
    }
}

// What clients are told, so that they can choose among their certificates. Null: no memory.
Names namesIn(X509_STORE* store) {
    Names names(sk_X509_NAME_new_null());
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; names && i < sk_X509_OBJECT_num(objects); ++i) {
        X509* const authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (authority == nullptr)
            continue;  // a list of revocations
        X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(authority));
        if (name == nullptr || sk_X509_NAME_push(names.get(), name) == 0) {
            X509_NAME_free(name);
            return nullptr;
        }
    }
    return names;
}

// When each authority and each list ends that says so.
std::vector<std::int64_t> endsIn(X509_STORE* store) {
    std::vector<std::int64_t> ends;
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509_OBJECT* const object = sk_X509_OBJECT_value(objects, i);
        const X509* const authority = X509_OBJECT_get0_X509(object);
        const std::int64_t end = unixTime(
            authority != nullptr ? X509_get0_notAfter(authority)
                                 : X509_CRL_get0_nextUpdate(X509_OBJECT_get0_X509_CRL(object)));
        if (end != 0)
            ends.push_back(end);
    }
    return ends;
}

model::Problem problem(const char* field, const char* what) {
    return {field, what + takeErrorText()};
}

}  // namespace

ClientRules::Id ClientRules::idOf(const model::ClientVerification& value) noexcept {
    const std::string head = "clients/" + std::to_string(static_cast<int>(value.mode)) + '/' +
                             std::to_string(value.depth) + '/' +
                             std::to_string(value.authorities.size()) + '/';
    return model::sha256({head, value.authorities, value.revocations});
}

std::variant<std::shared_ptr<const ClientRules>, model::Problem> ClientRules::load(
    const model::ClientVerification& value) {
    if (value.mode == model::ClientCertificates::off)
        return std::shared_ptr<const ClientRules>();
    ERR_clear_error();
    std::shared_ptr<ClientRules> rules(new ClientRules);
    rules->id_ = idOf(value);
    rules->required_ = value.mode == model::ClientCertificates::required;
    rules->depth_ = static_cast<int>(value.depth);
    rules->store_.reset(X509_STORE_new());
    X509_STORE* const store = rules->store_.get();
    if (store == nullptr)
        return problem("clients", "cannot be used: ");
    if (!value.authorities.empty() && !addAuthorities(store, value.authorities))
        return problem("clients.authorities", "has no readable certificates: ");
    // An authority is believed whoever signed its own certificate.
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (!value.revocations.empty()) {
        if (!addRevocations(store, value.revocations))
            return problem("clients.revocations", "has no readable lists: ");
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    }
    X509_STORE_set_flags(store, flags);
    rules->ends_ = endsIn(store);
    ERR_clear_error();
    return std::shared_ptr<const ClientRules>(std::move(rules));
}

std::shared_ptr<const ClientRules> ClientRules::nobody() {
    model::ClientVerification value;
    value.mode = model::ClientCertificates::required;
    auto rules = load(value);
    auto* const made = std::get_if<std::shared_ptr<const ClientRules>>(&rules);
    return made == nullptr ? nullptr : std::move(*made);
}

bool ClientRules::heldSince(std::int64_t then, std::int64_t now) const noexcept {
    return std::none_of(ends_.begin(), ends_.end(),
                        [&](std::int64_t end) { return then < end && end <= now; });
}

int ClientRules::mode() const noexcept {
    return SSL_VERIFY_PEER | (required_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
}

bool ClientRules::applyTo(SSL_CTX* context) const {
    Names names = namesIn(store_.get());
    if (!names)
        return false;
    SSL_CTX_set_client_CA_list(context, names.release());
    SSL_CTX_set1_cert_store(context, store_.get());
    SSL_CTX_set_verify(context, mode(), nullptr);
    SSL_CTX_set_verify_depth(context, depth_);
    return SSL_CTX_set_session_id_context(context, id_.data(), static_cast<unsigned>(id_.size())) ==
           1;
}

bool ClientRules::applyTo(SSL* ssl) const {
    Names names = namesIn(store_.get());
    if (!names)
        return false;
    SSL_set_client_CA_list(ssl, names.release());
    SSL_set_verify(ssl, mode(), nullptr);
    SSL_set_verify_depth(ssl, depth_);
    return SSL_set1_verify_cert_store(ssl, store_.get()) == 1 &&
           SSL_set_session_id_context(ssl, id_.data(), static_cast<unsigned>(id_.size())) == 1;
}

}  // namespace evergate::tls
