// SPDX-License-Identifier: Apache-2.0
// A normalised path is absolute, has neither empty nor dot segments, and is its own normal form.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dataplane/routing/routing_table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using evergate::routing::normalizePath;
    const std::string_view path(reinterpret_cast<const char*>(data), size);
    std::string scratch;
    const std::string_view normal = normalizePath(path, scratch);
    if (normal.empty() || normal == "*") {
        return 0;
    }
    const std::string ended = std::string(normal) + '/';
    const bool clean = normal.front() == '/' && normal.find("//") == std::string_view::npos &&
                       ended.find("/./") == std::string::npos &&
                       ended.find("/../") == std::string::npos;
    std::string again;
    if (!clean || normal.size() > size || normalizePath(normal, again) != normal) {
        std::abort();
    }
    return 0;
}
