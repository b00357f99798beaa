// SPDX-License-Identifier: Apache-2.0
// The HAPROXY_ labels of an app: what each means, parsed whole and strictly. Pure.
//
// Knows one label at a time and nothing of other apps. What a label asks that we do not do is a
// problem that names app and label; a wrong value costs that label, except for labels that restrict
// who may come in: those fail closed. docs/labels.md is for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"
#include "controller/marathon/marathon_app.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller::marathon {

// What one service port of an app wants.
struct PortWish {
    std::size_t index = 0;
    std::uint16_t port = 0;   // of the listener, after HAPROXY_{n}_PORT; 0: none
    std::string bindAddress;  // empty: where we listen by default
    bool listen = true;       // false: a label asks for a listener that we cannot give
    bool http = false;        // on its own port
    std::vector<std::string> hosts;
    bool vhosts = true;              // false: a label asks to protect them in a way we cannot
    std::vector<std::string> paths;  // prefixes, byte by byte; empty: "/"
    std::int64_t weight = 0;         // of routes: higher ones come first
    model::BalanceAlgorithm balance = model::BalanceAlgorithm::roundRobin;
    model::HashOn hashOn = model::HashOn::clientAddress;
    std::string hashHeader;
    bool sticky = false;
    bool redirectToHttps = false;
    bool restrictSources = false;
    std::vector<std::string> allowSources;
};

class GroupFilter {
public:
    // "*" admits everybody, grouped or not.
    explicit GroupFilter(std::vector<std::string> names);

    bool admits(std::string_view commaList) const;

    bool admitsUngrouped() const noexcept { return everybody_; }

private:
    std::vector<std::string> names_;
    bool everybody_ = false;
};

// The ports of `app` that are exposed to our groups, by index. `problems` may be null. Says nothing
// about apps that are not ours.
std::vector<PortWish> wishesOf(const App& app, const GroupFilter& groups, ProblemList* problems);

// "App /shop/web": how problems name it.
std::string toText(const App& app);

// "shop_web_10010", as marathon-lb names it.
std::string backendName(const std::string& appId, std::uint16_t port);

}  // namespace evergate::controller::marathon
