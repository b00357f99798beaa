// SPDX-License-Identifier: Apache-2.0
// Fuzz: bytes of a list, whole and cut in two, give the same items.
#include "controller/kubernetes/list_stream.hpp"

#include <cstdlib>
#include <string>

using evergate::controller::kubernetes::ListStream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = [&](std::size_t cut) {
        std::string items;
        ListStream stream(4096);
        const auto take = [&](std::string_view item) { items += std::string(item) + "\n"; };
        if (stream.feed(text.substr(0, cut), take)) {
            stream.feed(text.substr(cut), take);
        }
        return items + stream.resourceVersion() + stream.continueToken() + stream.error();
    };
    if (read(0) != read(size / 2)) {
        std::abort();
    }
    return 0;
}
