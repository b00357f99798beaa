// SPDX-License-Identifier: Apache-2.0
// Any text as certificate and key: loaded or refused, and a problem shows nothing of the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dataplane/tls/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t split = text.find("-----BEGIN PRIVATE KEY");
    evergate::model::Certificate value;
    value.chain = text.substr(0, split);
    value.key = split == std::string::npos ? text : text.substr(split);
    const auto result = evergate::tls::Certificate::load(value);
    if (const auto* problem = std::get_if<evergate::model::Problem>(&result)) {
        if (problem->what.find("BEGIN") != std::string::npos || problem->what.size() > 300)
            std::abort();
    }
    return 0;
}
