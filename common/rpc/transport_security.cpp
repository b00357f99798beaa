// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/transport_security.hpp"

#include <boost/asio/ssl.hpp>

namespace evergate::rpc {

namespace ssl = boost::asio::ssl;

std::unique_ptr<ssl::context> makeTlsContext(TlsRole role, const TlsFiles& files,
                                             std::string& error) {
    auto context = std::make_unique<ssl::context>(
        role == TlsRole::server ? ssl::context::tls_server : ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
    boost::system::error_code ec;
    const auto failed = [&](const std::string& file) {
        if (ec && error.empty()) {
            error = file + ": " + ec.message();
        }
        return static_cast<bool>(ec);
    };
    context->use_certificate_chain_file(files.certificate, ec);
    if (failed(files.certificate)) {
        return nullptr;
    }
    context->use_private_key_file(files.key, ssl::context::pem, ec);
    if (failed(files.key)) {
        return nullptr;
    }
    context->load_verify_file(files.authority, ec);
    if (failed(files.authority)) {
        return nullptr;
    }
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, ec);
    // No tickets: every connection shows its certificate again.
    SSL_CTX_set_num_tickets(context->native_handle(), 0);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_CLEANSE_PLAINTEXT);  // keys among it
    return context;
}

}  // namespace evergate::rpc
