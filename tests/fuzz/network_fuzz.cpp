// SPDX-License-Identifier: Apache-2.0
// Access lists: a network that parses contains its own first address, and nothing crashes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/model/network.hpp"
#include "dataplane/routing/source_networks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto network = model::parseNetwork(text);
    const routing::SourceNetworks sources({text, "10.0.0.0/8"});
    routing::SourceNetworks::Address first{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!network)
        return 0;
    const bool v4 = network->family == model::AddressFamily::ipv4;
    std::copy_n(network->address.begin(), v4 ? 4 : 16, first.begin() + (v4 ? 12 : 0));
    // "::/0" and the like begin in IPv4-mapped space only when they are IPv4.
    if (!sources.contains(first))
        std::abort();
    return 0;
}
