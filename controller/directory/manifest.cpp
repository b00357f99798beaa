// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/manifest.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "controller/directory/utf8.hpp"

namespace evergate::controller::directory {
namespace {

using Json = nlohmann::json;

constexpr int kMaxNestedLists = 4;

std::string memberText(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// What the items of a typed list are: "IngressList" of networking.k8s.io/v1 -> ingress.
std::optional<ResourceKind> listedKind(const Json& list) {
    const std::string kind = memberText(list, "kind");
    const std::string version = memberText(list, "apiVersion");
    for (const auto each : kResourceKinds) {
        if (kind == std::string(kindName(each)) + "List" && version == apiVersion(each)) {
            return each;
        }
    }
    return std::nullopt;
}

bool isList(const Json& document) {
    return document.is_object() && memberText(document, "kind").ends_with("List") &&
           document.contains("items");
}

class ManifestReader {
public:
    void add(const Json& document, int line, const std::vector<int>& itemLines, int depth = 0) {
        if (document.is_null()) {
            return;
        }
        if (isList(document)) {
            addList(document, line, itemLines, depth);
        } else {
            note(decodeParsed(document), line);
        }
    }

    Manifest take() { return std::move(manifest_); }

private:
    void addList(const Json& list, int line, const std::vector<int>& itemLines, int depth) {
        const Json& items = list.at("items");
        if (items.is_null()) {
            return;
        }
        if (!items.is_array() || depth >= kMaxNestedLists) {
            const char* what =
                items.is_array() ? "lists are nested too deeply" : "must be an array";
            note(DecodeProblem{std::nullopt, {"List", "items", what}}, line);
            return;
        }
        const auto kind = listedKind(list);
        for (std::size_t i = 0; i < items.size(); ++i) {
            const int itemLine = i < itemLines.size() ? itemLines[i] : line;
            const Json& item = items[i];
            if (kind && item.is_object() && !item.contains("kind")) {
                note(decodeParsedAs(*kind, item), itemLine);
            } else {
                add(item, itemLine, {}, depth + 1);
            }
        }
    }

    void note(Decoded decoded, int line) {
        if (auto* problem = std::get_if<DecodeProblem>(&decoded)) {
            manifest_.problems.push_back({std::move(*problem), line});
        } else if (std::holds_alternative<Unknown>(std::get<Object>(decoded))) {
            ++manifest_.skipped;
        } else {
            manifest_.objects.push_back({std::get<Object>(std::move(decoded)), line});
        }
    }

    Manifest manifest_;
};

std::variant<Manifest, SyntaxProblem> readJsonManifest(std::string_view text) {
    try {
        const Json document = Json::parse(text.begin(), text.end());
        ManifestReader reader;
        reader.add(document, 0, {});
        return reader.take();
    } catch (const Json::parse_error& error) {
        return SyntaxProblem{lineAt(text, error.byte > 0 ? error.byte - 1 : 0), "is not JSON"};
    } catch (const Json::exception&) {
        return SyntaxProblem{1, "has a number that is out of range"};
    } catch (const std::bad_alloc&) {
        return SyntaxProblem{1, "takes more memory than there is"};
    }
}

}  // namespace

std::optional<ManifestFormat> formatOf(std::string_view name) {
    if (name.starts_with('.')) {
        return std::nullopt;
    }
    if (name.ends_with(".yaml") || name.ends_with(".yml")) {
        return ManifestFormat::yaml;
    }
    return name.ends_with(".json") ? std::optional(ManifestFormat::json) : std::nullopt;
}

std::variant<Manifest, SyntaxProblem> readManifest(ManifestFormat format, std::string_view text) {
    if (text.size() > kMaxFileBytes) {
        return SyntaxProblem{1, "is larger than 16 MiB"};
    }
    if (format == ManifestFormat::json) {
        return readJsonManifest(text);
    }
    auto parsed = readYaml(text);
    if (auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
        return std::move(*problem);
    }
    ManifestReader reader;
    for (const YamlDocument& document : std::get<std::vector<YamlDocument>>(parsed)) {
        reader.add(document.value, document.line, document.itemLines);
    }
    return reader.take();
}

}  // namespace evergate::controller::directory
