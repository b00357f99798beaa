// SPDX-License-Identifier: Apache-2.0
#include "controller/client/tls_context.hpp"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <string>
#include <utility>

namespace evergate::controller::client {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

// What is wrong, or nothing; the text never holds any of the key.
std::string loadAuthority(ssl::context& context, const TextOrFile& authority) {
    ErrorCode error;
    if (authority.empty()) {
        context.set_default_verify_paths(error);
        return error ? "cannot load the system's certificate authorities" : "";
    }
    const auto pem = readText(authority);
    if (const auto* problem = std::get_if<ConfigProblem>(&pem)) {
        return problem->what;
    }
    context.add_certificate_authority(asio::buffer(std::get<std::string>(pem)), error);
    return error ? "the certificate authority is not PEM: " + error.message() : "";
}

std::string loadClientCertificate(ssl::context& context, const ServerAccess& access) {
    if (access.clientCertificate.empty()) {
        return {};
    }
    const auto certificate = readText(access.clientCertificate);
    const auto key = readText(access.clientKey);
    for (const auto* text : {&certificate, &key}) {
        if (const auto* problem = std::get_if<ConfigProblem>(text)) {
            return problem->what;
        }
    }
    ErrorCode error;
    context.use_certificate_chain(asio::buffer(std::get<std::string>(certificate)), error);
    if (error) {
        return "the client certificate is not PEM: " + error.message();
    }
    context.use_private_key(asio::buffer(std::get<std::string>(key)), ssl::context::pem, error);
    return error ? "the client key does not fit: " + error.message() : "";
}

}  // namespace

OrProblem<std::unique_ptr<ssl::context>> makeTlsContext(const ServerAccess& access) {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_CLEANSE_PLAINTEXT);  // Secrets among it
    ErrorCode error;
    context->set_verify_mode(access.skipTlsVerify ? ssl::verify_none : ssl::verify_peer, error);
    // Without verification the authority is not needed, and a broken one is no reason to stop.
    auto problem = access.skipTlsVerify ? std::string{} : loadAuthority(*context, access.authority);
    if (problem.empty()) {
        problem = loadClientCertificate(*context, access);
    }
    if (!problem.empty()) {
        return ConfigProblem{std::move(problem)};
    }
    return context;
}

}  // namespace evergate::controller::client
