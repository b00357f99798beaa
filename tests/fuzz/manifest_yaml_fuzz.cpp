// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest file, YAML and JSON, stored and translated: nothing may throw or overrun.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/model/validation.hpp"
#include "controller/directory/manifest_store.hpp"
#include "controller/translate/translate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::controller;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    directory::ManifestStore store;
    for (const auto format : {directory::ManifestFormat::yaml, directory::ManifestFormat::json}) {
        auto parsed = directory::readManifest(format, text);
        const std::string name = format == directory::ManifestFormat::yaml ? "a.yaml" : "b.json";
        if (auto* manifest = std::get_if<directory::Manifest>(&parsed)) {
            store.setFile(name, std::move(*manifest));
        } else {
            store.setBroken(name, std::get<directory::SyntaxProblem>(parsed));
        }
    }
    Desired desired = translate(store.objects(), TranslateOptions{});
    store.locate(desired.problems);
    store.problems();
    return evergate::model::crossCheck(desired.config).empty() ? 0 : (__builtin_trap(), 0);
}
