// SPDX-License-Identifier: Apache-2.0
// Any bytes as tls.crt and tls.key (split at the first NUL), and as base64: an answer or a fault,
// which is short and quotes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/objects/base64.hpp"
#include "controller/translate/certificate_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate;
    static controller::CertificateCheck check;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = text.find('\0');
    const std::string chain = text.substr(0, cut);
    const std::string key = cut == std::string::npos ? chain : text.substr(cut + 1);
    const auto checked = check.check(controller::TlsKeyPair(chain, key));
    if (const auto* fault = std::get_if<controller::CertificateFault>(&checked)) {
        if (fault->what.size() > 200 || fault->what.find("-----") != std::string::npos) {
            std::abort();
        }
    }
    model::describeChain(key);
    controller::decodeBase64(text);
    return 0;
}
