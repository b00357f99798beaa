// SPDX-License-Identifier: Apache-2.0
// First line: the name of an annotation; the rest: its value. Whatever that is, what becomes of it
// is good for the data plane; an access list stays one, and so does a demand for trust or for
// client certificates.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/model/validation.hpp"
#include "controller/translate/annotation_table.hpp"

namespace {

using namespace evergate;

// What must not come open, whatever the value is.
bool staysClosed(const controller::AnnotationRow& row, std::string_view value,
                 const model::Backend& backend, const controller::RouteClaim& claim) {
    if (claim.route.restrictSources != (row.name == "evergate.io/allow-source-ranges"))
        return false;
    if (row.backend != nullptr && !row.closed.empty() && !backend.tlsVerify)
        return false;
    return row.name != controller::annotation::kClientCertificates || value == "off" ||
           value == "optional" || claim.clients.mode == model::ClientCertificates::required;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.find('\n');
    const auto* row = controller::findAnnotation(text.substr(0, line));
    if (row == nullptr || line == std::string_view::npos) {
        return 0;
    }
    const std::string_view value = text.substr(line + 1);
    const bool closed = !row->closed.empty();
    const bool used = controller::check(*row, value).empty() || closed;
    model::Backend backend;
    controller::RouteClaim claim{"r", {{"l"}, "shop.example", {}, "/", "b"}, "", {}};
    if (used && row->backend != nullptr) {
        row->backend(value, backend);
    } else if (used && row->route != nullptr) {
        row->route(value, claim);
    }
    if (!staysClosed(*row, value, backend, claim) ||
        !model::validate({model::Kind::backend, "b"}, backend).empty() ||
        !model::validate({model::Kind::route, "r"}, claim.route).empty()) {
        std::abort();
    }
    return 0;
}
