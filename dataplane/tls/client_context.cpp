// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "dataplane/tls/server_context.hpp"
#include "dataplane/tls/stream.hpp"

namespace evergate::tls {
namespace {

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// 1: the session is ours now.
int onNewSession(SSL* ssl, SSL_SESSION* session) {
    return Stream::of(ssl).keepSession(session) ? 1 : 0;
}

bool trust(SSL_CTX* context, const std::string& authorities) {
    if (authorities.empty())
        return SSL_CTX_set_default_verify_paths(context) == 1;
    const OpensslPtr<BIO> bio(
        BIO_new_mem_buf(authorities.data(), static_cast<int>(authorities.size())));
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    std::size_t count = 0;
    for (;; ++count) {
        const OpensslPtr<X509> one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!one)
            break;
        if (X509_STORE_add_cert(store, one.get()) != 1)
            return false;
    }
    const bool atEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (count == 0 || !atEnd)
        return false;
    ERR_clear_error();
    return true;
}

}  // namespace

std::shared_ptr<const ClientContext> ClientContext::make(bool verify,
                                                         const std::string& authorities,
                                                         std::string& wrong,
                                                         std::shared_ptr<const Certificate> shown) {
    ERR_clear_error();
    OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
    const bool good = context && setCommonOptions(context.get()) &&
                      SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof kHttp11) == 0 &&
                      (!verify || trust(context.get(), authorities));
    if (!good) {
        wrong = "no usable certificate authority: " + takeErrorText();
        return nullptr;
    }
    if (shown && !shown->useIn(context.get())) {
        wrong = "no usable certificate to show: " + takeErrorText();
        return nullptr;
    }
    SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), onNewSession);
    return std::unique_ptr<const ClientContext>(
        new ClientContext(std::move(context), verify, authorities, std::move(shown)));
}

}  // namespace evergate::tls
