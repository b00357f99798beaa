// SPDX-License-Identifier: Apache-2.0
// Content codings (RFC 9110 §8.4) and what a client says about them in Accept-Encoding (§12.5.3).
//
// Pure. An element that is not by the grammar counts for nothing; of a coding named twice, what was
// said first counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/head.hpp"

namespace evergate::http {

enum class ContentCoding : std::uint8_t { identity, gzip, br, zstd };
inline constexpr std::size_t kContentCodings = 4;

std::string_view name(ContentCoding coding) noexcept;

// Nothing is `found` for a coding we do not have.
struct NamedCoding {
    ContentCoding coding = ContentCoding::identity;
    bool found = false;
};

// In any case; "x-gzip" is gzip (§8.4.1.3).
NamedCoding contentCodingOf(std::string_view name) noexcept;

class AcceptedCodings {
public:
    // The value of an Accept-Encoding field; several add up.
    void add(std::string_view value) noexcept;

    // The coding the client likes most of those `offered`, the first of them when it likes several
    // as much; identity when it accepts none of them or would rather have none. A client that says
    // nothing may understand nothing.
    ContentCoding best(const std::vector<std::string>& offered) const noexcept;

private:
    static constexpr int kUnsaid = -1;

    void take(std::string_view coding, int weight) noexcept;
    int weightOf(ContentCoding coding) const noexcept;

    std::array<int, kContentCodings> weights_{kUnsaid, kUnsaid, kUnsaid, kUnsaid};  // thousandths
    int others_ = kUnsaid;                                                          // "*"
};

AcceptedCodings acceptedCodings(const RequestHead& head) noexcept;

// Does the value of a Content-Type name one of `types`: "text/html", "text/*", "*/*", in lower
// case? Parameters do not matter.
bool isAmongTypes(std::string_view contentType, const std::vector<std::string>& types) noexcept;

}  // namespace evergate::http
