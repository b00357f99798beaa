// SPDX-License-Identifier: Apache-2.0
// ClientHellos: more bytes never change what the first ones meant, how they are cut into records
// does not matter, and what is found lies within them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/client_hello.hpp"

namespace {

using namespace evergate::tls;

void require(bool holds) {
    if (!holds)
        std::abort();
}

struct Parsed {
    ClientHelloStatus status = ClientHelloStatus::incomplete;
    std::string serverName;
    std::string protocols;

    friend bool operator==(const Parsed&, const Parsed&) = default;
};

Parsed parse(std::string_view bytes) {
    std::vector<char> copy(bytes.begin(), bytes.end());
    ClientHello hello;
    Parsed parsed{parseClientHello(copy, hello), {}, {}};
    const auto within = [&](std::string_view part) {
        return part.empty() || (part.data() >= copy.data() &&
                                part.data() + part.size() <= copy.data() + copy.size());
    };
    require(within(hello.serverName) && within(hello.protocols));
    parsed.serverName = hello.serverName;
    parsed.protocols = hello.protocols;
    return parsed;
}

// The same message with every record cut in two.
std::string cutAgain(std::string_view bytes, std::size_t where) {
    std::string result;
    while (bytes.size() >= 5) {
        const std::size_t length = static_cast<std::uint8_t>(bytes[3]) * std::size_t{256} +
                                   static_cast<std::uint8_t>(bytes[4]);
        const std::string_view fragment = bytes.substr(5, length);
        const std::size_t first =
            fragment.size() < 2 ? fragment.size() : 1 + where % (fragment.size() - 1);
        for (const std::string_view part : {fragment.substr(0, first), fragment.substr(first)}) {
            if (part.empty())
                continue;
            result.append(bytes.substr(0, 3));
            result += static_cast<char>(part.size() >> 8U);
            result += static_cast<char>(part.size() & 0xFFU);
            result.append(part);
        }
        bytes.remove_prefix(5 + fragment.size());
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Parsed whole = parse(bytes);
    require(whole.status != ClientHelloStatus::incomplete || size < kMaxClientHello);
    require(whole.serverName.size() <= 255 && whole.serverName.find('\0') == std::string::npos);
    // As it arrives, in two parts: the first may leave the answer open, not change it.
    const std::size_t part = size == 0 ? 0 : data[size - 1] * size / 255;
    const Parsed early = parse(bytes.substr(0, part));
    require(early.status == ClientHelloStatus::incomplete || early == whole);
    if (whole.status != ClientHelloStatus::complete)
        return 0;
    const std::string cut = cutAgain(bytes, part);
    require(cut.size() > kMaxClientHello || parse(cut) == whole);
    return 0;
}
