// SPDX-License-Identifier: Apache-2.0
// Random values and configurations for property tests. Seeded, so every run sees the same ones.
#pragma once

#include <random>
#include <string>

#include "common/model/config.hpp"

namespace evergate::model {

class RandomValues {
public:
    explicit RandomValues(std::uint32_t seed) : engine_(seed) {}

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(engine_() % bound);
    }

    // Any bytes that are valid UTF-8, among them everything JSON has to escape.
    std::string text() {
        static const std::string pieces[] = {
            "a", "Z", "/", "\"", "\\", "\n", "\x01", "\x7f",
            "é", "€", "😀", " ",  "{",  "]",  ":",    std::string(1, 0)};
        std::string result;
        for (std::uint32_t i = below(12); i > 0; --i) {
            result += pieces[below(std::size(pieces))];
        }
        return result;
    }

    std::chrono::milliseconds duration() {
        return std::chrono::milliseconds(below(2) == 0 ? 60'000 : below(100'000'000));
    }

    Value value(Kind kind) {
        switch (kind) {
            case Kind::settings:
                return Settings{duration(), duration(), duration(),    duration(),
                                duration(), duration(), below(70'000), below(200)};
            case Kind::listener:
                return Listener{text(), static_cast<std::uint16_t>(below(65'536)),
                                static_cast<ListenerProtocol>(below(2)), text()};
            case Kind::certificate:
                return Certificate{{text(), text()}, text(), text(), text()};
            case Kind::backend:
                return Backend{static_cast<BalanceAlgorithm>(below(3)),
                               static_cast<HashOn>(below(3)),
                               text(),
                               duration(),
                               duration(),
                               duration(),
                               below(4)};
            case Kind::endpoints:
                return endpoints();
            case Kind::route:
                return route();
        }
        return {};
    }

    Endpoints endpoints() {
        Endpoints result;
        for (std::uint32_t i = below(5); i > 0; --i) {
            result.endpoints.push_back(
                {text(), static_cast<std::uint16_t>(below(65'536)), below(3)});
        }
        return result;
    }

    Route route() {
        Route result{{}, text(), static_cast<PathType>(below(3)), "/" + text(), text(), text()};
        for (std::uint32_t i = below(4); i > 0; --i) {
            result.listeners.push_back(text());
        }
        result.requestHeadersSet.assign(below(3), {text(), text()});
        result.responseHeadersRemove.assign(below(3), text());
        result.redirectToHttps = below(2) == 0;
        result.allowSources.assign(below(3), text());
        result.maxBodyBytes = below(3);
        return result;
    }

    Kind kind() { return static_cast<Kind>(below(5)); }

    // Few names, so that two configurations share some keys and differ in others.
    Key key() { return {kind(), "n" + std::to_string(below(20))}; }

    Config config() {
        Config result;
        for (std::uint32_t i = below(60); i > 0; --i) {
            const Key each = key();
            result.put(each, value(each.kind));
        }
        return result;
    }

private:
    std::mt19937 engine_;
};

}  // namespace evergate::model
