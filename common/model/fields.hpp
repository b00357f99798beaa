// SPDX-License-Identifier: Apache-2.0
// The fields of each value, by wire name, in wire order: one table that the encoder and the decoder
// of json.hpp both walk, so that they cannot disagree. Private to the codec.
//
// A field that equals its default is not written. So a build that adds a field still gives the old
// values their old hashes. Names and order are the wire format: never change or reorder them.
#pragma once

#include <array>
#include <string_view>

#include "common/model/values.hpp"

namespace evergate::model {

// Calls visit(name, pointer to member) for every field of T.
template <typename T, typename Visit>
void eachField(Visit&& visit);

template <typename Enum>
struct EnumNames;

template <>
struct EnumNames<ListenerProtocol> {
    static constexpr std::array<std::string_view, 2> kNames{"http", "tcp"};
};

template <>
struct EnumNames<PathType> {
    static constexpr std::array<std::string_view, 3> kNames{"exact", "prefix", "rawPrefix"};
};

template <>
struct EnumNames<BalanceAlgorithm> {
    static constexpr std::array<std::string_view, 3> kNames{"roundRobin", "leastRequest",
                                                            "consistentHash"};
};

template <>
struct EnumNames<HashOn> {
    static constexpr std::array<std::string_view, 3> kNames{"clientAddress", "path", "header"};
};

template <typename T, typename Visit>
void eachField(Visit&& visit) {
    if constexpr (std::is_same_v<T, Listener>) {
        visit("address", &Listener::address);
        visit("port", &Listener::port);
        visit("protocol", &Listener::protocol);
        visit("backend", &Listener::backend);
    } else if constexpr (std::is_same_v<T, Route>) {
        visit("listeners", &Route::listeners);
        visit("host", &Route::host);
        visit("pathType", &Route::pathType);
        visit("path", &Route::path);
        visit("backend", &Route::backend);
        visit("origin", &Route::origin);
    } else if constexpr (std::is_same_v<T, Backend>) {
        visit("balance", &Backend::balance);
        visit("hashOn", &Backend::hashOn);
        visit("hashHeader", &Backend::hashHeader);
        visit("connectTimeoutMs", &Backend::connectTimeout);
        visit("responseTimeoutMs", &Backend::responseTimeout);
        visit("inactivityTimeoutMs", &Backend::inactivityTimeout);
        visit("retries", &Backend::retries);
    } else if constexpr (std::is_same_v<T, Endpoint>) {
        visit("address", &Endpoint::address);
        visit("port", &Endpoint::port);
        visit("weight", &Endpoint::weight);
    } else if constexpr (std::is_same_v<T, Endpoints>) {
        visit("endpoints", &Endpoints::endpoints);
    } else {
        static_assert(std::is_same_v<T, Settings>);
        visit("headTimeoutMs", &Settings::headTimeout);
        visit("keepAliveTimeoutMs", &Settings::keepAliveTimeout);
        visit("bodyTimeoutMs", &Settings::bodyTimeout);
        visit("writeTimeoutMs", &Settings::writeTimeout);
        visit("tunnelTimeoutMs", &Settings::tunnelTimeout);
        visit("upstreamIdleTimeoutMs", &Settings::upstreamIdleTimeout);
        visit("maxHeadBytes", &Settings::maxHeadBytes);
        visit("maxHeaders", &Settings::maxHeaders);
    }
}

}  // namespace evergate::model
