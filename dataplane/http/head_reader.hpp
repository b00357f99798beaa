// SPDX-License-Identifier: Apache-2.0
// What reading a request head and a response head have in common: lines, fields, Connection,
// lengths.
//
// Nothing here allocates but the vector of fields, whose capacity is kept by its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/control_bytes.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http {

// Splits a head into lines. A line ends with CRLF and holds no other control byte but HTAB.
class HeadReader {
public:
    enum class Line : std::uint8_t { complete, incomplete, bad };

    explicit HeadReader(std::string_view bytes) noexcept
        : controls_(bytes.data(), bytes.data() + bytes.size()),
          next_(bytes.data()),
          end_(bytes.data() + bytes.size()) {}

    // The next line, without its CRLF, in `out`. `bad`: detail() says why.
    Line nextLine(std::string_view& out) noexcept {
        const char* cr = controls_.next();
        if (cr == end_) {
            return Line::incomplete;
        }
        if (*cr != '\r') [[unlikely]] {
            return fail(*cr);
        }
        if (cr + 1 == end_) {
            return Line::incomplete;
        }
        if (cr[1] != '\n') [[unlikely]] {
            return fail('\r');
        }
        controls_.next();  // the LF
        out = {next_, static_cast<std::size_t>(cr - next_)};
        next_ = cr + 2;
        return Line::complete;
    }

    const char* position() const noexcept { return next_; }

    const char* detail() const noexcept { return detail_; }

private:
    Line fail(char control) noexcept;

    ControlBytes controls_;
    const char* next_;
    const char* end_;
    const char* detail_ = "";
};

// After a head was read as far as its first `scanned` (> 0) bytes: true when a line has ended
// since, or a byte has come that makes it fail. Only then is it read again, from its start: at most
// once per line.
bool isWorthReading(std::string_view bytes, std::size_t scanned) noexcept;

// Splits "Name: value" (a non-empty line). Returns null, or what is wrong with it.
const char* readField(std::string_view line, HeaderField& out) noexcept;

// A decimal Content-Length (RFC 9110 §8.6): digits only, below 2^63. False otherwise.
bool readContentLength(std::string_view text, std::uint64_t& out) noexcept;

// What the fields that frame a body said, gathered while they were read.
struct FramingFields {
    std::string_view contentLength;     // the last one
    std::string_view transferEncoding;  // the last one
    unsigned contentLengths = 0;
    unsigned transferEncodings = 0;
};

// What Transfer-Encoding may be (RFC 9112 §6.1), strictly: one "chunked", in HTTP/1.1, without a
// Content-Length. Returns null, or what is wrong: kUnknownCoding when "chunked" is the last of
// several and the only thing wrong is that we do not know the others. Requires
// transferEncodings != 0.
inline constexpr char kUnknownCoding[] = "transfer coding other than chunked";
const char* checkTransferEncoding(const FramingFields& seen, std::uint8_t minorVersion) noexcept;

struct ConnectionOptions {
    bool close = false;
    bool keepAlive = false;
    bool upgrade = false;
};

// Reads every Connection field and marks the fields they name hop-by-hop. Returns null, or what is
// wrong.
const char* readConnection(std::vector<HeaderField>& fields, ConnectionOptions& out) noexcept;

// Calls visit(element) for each element of a comma list, without whitespace and empty elements.
template <typename Visit>
void forEachElement(std::string_view list, Visit&& visit) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trimOws(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        if (!element.empty()) {
            visit(element);
        }
    }
}

}  // namespace evergate::http
