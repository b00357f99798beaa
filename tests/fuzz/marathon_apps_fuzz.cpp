// SPDX-License-Identifier: Apache-2.0
// Any bytes as the apps of Marathon, stored and translated: what comes out must be valid.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/model/validation.hpp"
#include "controller/marathon/app_store.hpp"
#include "controller/marathon/translate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::controller::marathon;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    parseOneApp(text);
    auto parsed = parseAppList(text);
    if (auto* list = std::get_if<AppList>(&parsed)) {
        AppStore store;
        store.compare(*list);
        store.applyList(std::move(*list), {});
        const auto result = translate(store.apps(), store.malformed(), {{"*"}, {}},
                                      [](const std::string&) { return std::string("10.9.9.9"); });
        for (const auto& [key, entry] : result.desired.config.entries()) {
            if (!evergate::model::validate(key, *entry.value).empty()) {
                __builtin_trap();
            }
        }
        if (!evergate::model::crossCheck(result.desired.config).empty()) {
            __builtin_trap();
        }
    }
    return 0;
}
