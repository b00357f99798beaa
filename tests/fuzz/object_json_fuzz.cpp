// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Kubernetes object, decoded, stored and translated: nothing may throw or overrun.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/model/validation.hpp"
#include "controller/objects/decode.hpp"
#include "controller/translate/translate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::controller;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    ObjectStore store;
    IngressClass ours;
    ours.metadata.id.name = "evergate";
    ours.controller = kControllerName;
    store.upsert(ours);
    for (const Decoded& decoded :
         {decodeObject(text), decodeAs(ResourceKind::ingress, text),
          decodeAs(ResourceKind::service, text), decodeAs(ResourceKind::endpointSlice, text),
          decodeAs(ResourceKind::secret, text)}) {
        if (const auto* object = std::get_if<Object>(&decoded)) {
            store.upsert(*object);
        }
    }
    TranslateOptions options;
    options.https.emplace();
    const Desired desired = translate(store, options);
    for (const auto& [key, entry] : desired.config.entries()) {
        if (!evergate::model::validate(key, *entry.value).empty()) {
            __builtin_trap();
        }
    }
    return evergate::model::crossCheck(desired.config).empty() ? 0 : (__builtin_trap(), 0);
}
