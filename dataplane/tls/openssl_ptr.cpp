// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/openssl_ptr.hpp"

#include <openssl/err.h>

namespace evergate::tls {

std::string takeErrorText() {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == nullptr ? "unknown error" : reason;
}

}  // namespace evergate::tls
