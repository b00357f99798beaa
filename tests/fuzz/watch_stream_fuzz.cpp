// SPDX-License-Identifier: Apache-2.0
// Fuzz: bytes of a watch, whole and cut in two, give the same events.
#include "controller/kubernetes/watch_stream.hpp"

#include <cstdlib>
#include <string>

using evergate::controller::kubernetes::WatchEvent;
using evergate::controller::kubernetes::WatchStream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = [&](std::size_t cut) {
        std::string events;
        WatchStream stream(4096);
        const auto take = [&](const WatchEvent& event) {
            events += std::string(event.object) + "\n";
            return true;
        };
        if (stream.feed(text.substr(0, cut), take)) {
            stream.feed(text.substr(cut), take);
        }
        return events + stream.error();
    };
    if (read(0) != read(size / 2)) {
        std::abort();
    }
    return 0;
}
