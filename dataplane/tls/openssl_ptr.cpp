// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/openssl_ptr.hpp"

#include <openssl/err.h>

#include <ctime>

namespace evergate::tls {

std::string takeErrorText() {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == nullptr ? "unknown error" : reason;
}

std::int64_t unixTime(const ASN1_TIME* time) noexcept {
    std::tm parts{};
    return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1
               ? static_cast<std::int64_t>(::timegm(&parts))
               : 0;
}

}  // namespace evergate::tls
