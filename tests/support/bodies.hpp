// SPDX-License-Identifier: Apache-2.0
// Bodies for tests, and an endpoint's script that gives them back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/raw_connection.hpp"

namespace evergate::test {

// Bytes that are not all alike, so that lost, doubled or swapped pieces show.
inline std::string patterned(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) {
        state = state * 1'664'525u + 1'013'904'223u;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

// Reads a request with Content-Length and answers with its body.
inline void echoBodies(RawConnection& connection, int) {
    for (std::string head; (head = connection.readUntil("\r\n\r\n")).size() > 4;) {
        const std::size_t at = head.find("Content-Length: ");
        const std::size_t size =
            at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
        const std::string body = connection.readExactly(size);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body);
    }
}

}  // namespace evergate::test
