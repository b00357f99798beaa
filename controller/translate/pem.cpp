// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace evergate::controller::pem {

int noPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return 0;
}

Bio bioOf(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

Certificate readCertificate(BIO& bio) {
    return {PEM_read_bio_X509(&bio, nullptr, noPassphrase, nullptr), X509_free};
}

Revocations readRevocations(BIO& bio) {
    return {PEM_read_bio_X509_CRL(&bio, nullptr, noPassphrase, nullptr), X509_CRL_free};
}

bool atEnd() {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

}  // namespace evergate::controller::pem
