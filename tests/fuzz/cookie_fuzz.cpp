// SPDX-License-Identifier: Apache-2.0
// Cookie headers: what is found is in there, behind its name.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataplane/http/cookie.hpp"
#include "dataplane/upstream/admission.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate;
    const std::string_view header(reinterpret_cast<const char*>(data), size);
    const std::string_view value = http::findCookie(header, "id");
    if (value.empty())
        return 0;
    const char* const name = value.data() - 3;
    if (name < header.data() || std::string_view(name, 3) != "id=" ||
        value.find(';') != std::string_view::npos)
        std::abort();
    if (const std::uint64_t affinity = upstream::parseAffinity(value)) {
        char text[upstream::kAffinityDigits];
        upstream::writeAffinity(affinity, text);
        if (std::string_view(text, sizeof text) != value)
            std::abort();
    }
    return 0;
}
