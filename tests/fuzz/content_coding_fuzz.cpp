// SPDX-License-Identifier: Apache-2.0
// Accept-Encoding, one field per line: what is chosen was offered, was named, and saying everything
// again changes nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/content_coding.hpp"

namespace {

using evergate::http::AcceptedCodings;

void addFields(std::string_view text, AcceptedCodings& accepted) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        accepted.add(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

bool names(std::string_view text, std::string_view coding) {
    const auto at = std::search(text.begin(), text.end(), coding.begin(), coding.end(),
                                [](char a, char b) { return (a | 0x20) == b; });
    return at != text.end() || text.find('*') != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::http;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string> offered{"br", "gzip"};
    AcceptedCodings accepted;
    addFields(text, accepted);
    const ContentCoding best = accepted.best(offered);
    if (best == ContentCoding::zstd ||
        (best != ContentCoding::identity && !names(text, name(best))))
        std::abort();
    addFields(text, accepted);
    if (accepted.best(offered) != best)
        std::abort();
    // The order of what is offered only decides between equals.
    AcceptedCodings refused;
    refused.add("br;q=0, gzip;q=0");
    addFields(text, refused);
    if (refused.best(offered) != ContentCoding::identity)
        std::abort();
    isAmongTypes(text, {"text/*", "application/json", "*/*"});
    return 0;
}
