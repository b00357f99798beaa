// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/labels.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "common/model/network.hpp"
#include "common/model/syntax.hpp"
#include "controller/marathon/label_table.hpp"
#include "controller/objects/printable.hpp"
#include "controller/translate/ip_address.hpp"
#include "controller/translate/match_syntax.hpp"

namespace evergate::controller::marathon {
namespace {

constexpr std::size_t kMaxHosts = 100;
constexpr std::size_t kMaxPathBytes = 500;
constexpr std::size_t kMaxNetworks = 500;

std::string_view trimmed(std::string_view text) {
    const auto isSpace = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && isSpace(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && isSpace(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// The trimmed parts between any of `separators`, without empty ones.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        if (const auto part = trimmed(text.substr(0, end)); !part.empty()) {
            parts.push_back(part);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::optional<std::int64_t> wholeNumber(std::string_view text) {
    text = trimmed(text);
    std::int64_t number = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && stopped == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

// Reads the labels of one service port.
class PortReader {
public:
    PortReader(const App& app, std::size_t index, ProblemList* problems)
        : app_(app), index_(index), problems_(problems) {}

    bool isExposed(const GroupFilter& groups) {
        // A port's own groups replace those of the app, even when they are none.
        auto group = app_.shape.labels.find(label("GROUP"));
        if (group == app_.shape.labels.end()) {
            group = app_.shape.labels.find("HAPROXY_GROUP");
        }
        const bool ours = group == app_.shape.labels.end() ? groups.admitsUngrouped()
                                                           : groups.admits(group->second);
        return ours && flag("ENABLED", true);
    }

    PortWish read() {
        wish_.index = index_;
        wish_.port = app_.shape.ports[index_].port;
        readPort();
        readBind();
        readHosts();
        readPaths();
        readMode();
        readWeight();
        readBalance();
        readSticky();
        readAccess();
        wish_.redirectToHttps = flag("REDIRECT_TO_HTTPS", false);
        if (wish_.redirectToHttps && wish_.hosts.empty()) {
            report("REDIRECT_TO_HTTPS", "needs a VHOST; ignored");
            wish_.redirectToHttps = false;
        }
        return std::move(wish_);
    }

private:
    std::string label(std::string_view name) const {
        return "HAPROXY_" + std::to_string(index_) + "_" + std::string(name);
    }

    // Null when absent or blank: marathon-lb takes those for the same.
    const std::string* find(std::string_view name) const {
        const auto it = app_.shape.labels.find(label(name));
        return it == app_.shape.labels.end() || trimmed(it->second).empty() ? nullptr : &it->second;
    }

    void report(std::string_view name, std::string what) {
        if (problems_ != nullptr) {
            problems_->add(toText(app_), label(name), std::move(what));
        }
    }

    static std::string quoted(std::string_view text) { return "\"" + printable(text) + "\""; }

    bool flag(std::string_view name, bool otherwise) {
        const auto* text = find(name);
        if (text == nullptr) {
            return otherwise;
        }
        constexpr std::array<std::string_view, 4> kTrue = {"true", "t", "yes", "y"};
        constexpr std::array<std::string_view, 4> kFalse = {"false", "f", "no", "n"};
        const auto word = model::lowerCase(trimmed(*text));
        const bool on = std::find(kTrue.begin(), kTrue.end(), word) != kTrue.end();
        if (!on && std::find(kFalse.begin(), kFalse.end(), word) == kFalse.end()) {
            report(name, "must be true or false, not " + quoted(*text) + "; taken for false");
        }
        return on;
    }

    void readPort() {
        const auto* text = find("PORT");
        if (text == nullptr) {
            return;
        }
        const auto number = wholeNumber(*text);
        if (!number || *number < 1 || *number > 65535) {
            report("PORT", "must be 1..65535, not " + quoted(*text) +
                               "; the port Marathon assigned is used");
            return;
        }
        wish_.port = static_cast<std::uint16_t>(*number);
    }

    // A listener with less protection, or open to more networks, than was asked for is worse than
    // none.
    void readBind() {
        if (const auto* text = find("BIND_ADDR"); text != nullptr && trimmed(*text) != "*") {
            if (const auto address = parseIpAddress(trimmed(*text))) {
                wish_.bindAddress = address->toText();
            } else {
                refuse("BIND_ADDR", "must be an IP address or *, not " + quoted(*text));
            }
        }
        if (find("SSL_CERT") != nullptr) {
            refuse("SSL_CERT", "TLS on a service port is not supported");
        }
        if (const auto* text = find("BIND_OPTIONS")) {
            const auto words = split(*text, " \t");
            const bool essential = std::any_of(words.begin(), words.end(), [](auto word) {
                return word == "ssl" || word == "accept-proxy";
            });
            if (essential) {
                refuse("BIND_OPTIONS", "ssl and accept-proxy are not supported");
            } else {
                report("BIND_OPTIONS", "is not supported; ignored");
            }
        }
    }

    void refuse(std::string_view name, const std::string& what) {
        report(name, what + "; the service port is not opened");
        wish_.listen = false;
    }

    void readHosts() {
        const auto* text = find("VHOST");
        if (text == nullptr) {
            return;
        }
        for (const auto name : split(*text, ",")) {
            auto host = parseHost(model::lowerCase(name));
            auto* good = std::get_if<std::string>(&host);
            if (good == nullptr || wish_.hosts.size() >= kMaxHosts) {
                report("VHOST", quoted(name) +
                                    (good == nullptr ? " " + std::get<1>(host).what
                                                     : " is one host too many") +
                                    "; ignored");
            } else if (std::find(wish_.hosts.begin(), wish_.hosts.end(), *good) ==
                       wish_.hosts.end()) {
                wish_.hosts.push_back(std::move(*good));
            }
        }
        if (find("AUTH") != nullptr && !wish_.hosts.empty()) {
            report("AUTH", "passwords are not supported; the hosts of VHOST are not served");
            wish_.vhosts = false;
        }
    }

    void readPaths() {
        const auto* text = find("PATH");
        if (text == nullptr) {
            return;
        }
        if (wish_.hosts.empty()) {
            report("PATH", "needs a VHOST; ignored");
            return;
        }
        for (const auto word : split(*text, " \t")) {
            if (word == "-i") {
                report("PATH", "-i is not supported: paths differ by case");
            } else if (!model::isPath(word) || word.size() > kMaxPathBytes) {
                report("PATH", quoted(word) + " is not a path; ignored");
            } else if (std::find(wish_.paths.begin(), wish_.paths.end(), word) ==
                       wish_.paths.end()) {
                wish_.paths.emplace_back(word);
            }
        }
        // Without its path the route would take the whole host.
        if (wish_.paths.empty()) {
            report("PATH", "names no path; the hosts of VHOST are not served");
            wish_.vhosts = false;
        }
    }

    // MODE, else a check over HTTP, else a VHOST, else TCP: marathon-lb's order.
    void readMode() {
        wish_.http = !wish_.hosts.empty() || find("VHOST") != nullptr;
        for (const auto& check : app_.shape.checks) {
            if (check.anyPort || check.portIndex == index_) {
                wish_.http = wish_.http || check.protocol == "HTTP";
                break;
            }
        }
        if (const auto* text = find("MODE")) {
            const auto word = model::lowerCase(trimmed(*text));
            if (word == "http" || word == "tcp") {
                wish_.http = word == "http";
            } else {
                report("MODE", "must be http or tcp, not " + quoted(*text) + "; ignored");
            }
        }
    }

    void readWeight() {
        if (const auto* text = find("BACKEND_WEIGHT")) {
            if (const auto number = wholeNumber(*text)) {
                wish_.weight = *number;
            } else {
                report("BACKEND_WEIGHT", "must be a number, not " + quoted(*text) + "; ignored");
            }
        }
        if (wish_.weight == 0 && !wish_.paths.empty()) {
            wish_.weight = 1;
        }
    }

    void readBalance() {
        const auto* text = find("BALANCE");
        if (text == nullptr) {
            return;
        }
        const auto words = split(*text, " \t");
        const auto name = model::lowerCase(words.front());
        using model::BalanceAlgorithm;
        if (name == "leastconn") {
            wish_.balance = BalanceAlgorithm::leastRequest;
        } else if (name == "source") {
            wish_.balance = BalanceAlgorithm::consistentHash;
        } else if (name == "uri") {
            wish_.balance = BalanceAlgorithm::consistentHash;
            wish_.hashOn = model::HashOn::path;
        } else if (name.starts_with("hdr(") && name.ends_with(')') &&
                   model::isLowerCaseToken(name.substr(4, name.size() - 5))) {
            wish_.balance = BalanceAlgorithm::consistentHash;
            wish_.hashOn = model::HashOn::header;
            wish_.hashHeader = name.substr(4, name.size() - 5);
        } else if (name != "roundrobin" && name != "static-rr") {
            report("BALANCE", quoted(name) + " is not supported; roundrobin is used");
        }
        if (words.size() > 1) {
            report("BALANCE", quoted(words[1]) + " is not supported; ignored");
        }
    }

    void readSticky() {
        wish_.sticky = flag("STICKY", false);
        if (wish_.sticky && !wish_.http && wish_.hosts.empty()) {
            report("STICKY", "is for http; ignored");
            wish_.sticky = false;
        }
    }

    void readAccess() {
        const auto* text = find("BACKEND_NETWORK_ALLOWED_ACL");
        if (text == nullptr) {
            return;
        }
        wish_.restrictSources = true;
        for (const auto word : split(*text, " \t\r\n,")) {
            if (!model::parseNetwork(word)) {
                report("BACKEND_NETWORK_ALLOWED_ACL",
                       quoted(word) + " is not an address or network; nobody is admitted by it");
            } else if (wish_.allowSources.size() < kMaxNetworks) {
                wish_.allowSources.emplace_back(word);
            } else {
                report("BACKEND_NETWORK_ALLOWED_ACL",
                       "more than 500 networks; the rest is not admitted");
                break;
            }
        }
        std::sort(wish_.allowSources.begin(), wish_.allowSources.end());
        wish_.allowSources.erase(std::unique(wish_.allowSources.begin(), wish_.allowSources.end()),
                                 wish_.allowSources.end());
    }

    const App& app_;
    std::size_t index_;
    ProblemList* problems_;
    PortWish wish_;
};

}  // namespace

GroupFilter::GroupFilter(std::vector<std::string> names)
    : names_(std::move(names)),
      everybody_(std::find(names_.begin(), names_.end(), "*") != names_.end()) {}

bool GroupFilter::admits(std::string_view commaList) const {
    if (everybody_) {
        return true;
    }
    const auto wanted = split(commaList, ",");
    return std::any_of(wanted.begin(), wanted.end(), [&](auto name) {
        return std::find(names_.begin(), names_.end(), name) != names_.end();
    });
}

std::vector<PortWish> wishesOf(const App& app, const GroupFilter& groups, ProblemList* problems) {
    std::vector<PortWish> wishes;
    for (std::size_t i = 0; i < app.shape.ports.size(); ++i) {
        PortReader reader(app, i, problems);
        if (app.shape.ports[i].tcp && reader.isExposed(groups)) {
            wishes.push_back(reader.read());
        }
    }
    if (!wishes.empty() && problems != nullptr) {
        for (const auto& [label, value] : app.shape.labels) {
            if (auto complaint = complaintAbout(label, app.shape.ports.size());
                !complaint.empty()) {
                problems->add(toText(app), printable(label), std::move(complaint));
            }
        }
    }
    return wishes;
}

std::string toText(const App& app) {
    return "App " + app.id;
}

std::string backendName(const std::string& appId, std::uint16_t port) {
    std::string name = appId.substr(appId.starts_with('/') ? 1 : 0);
    std::replace(name.begin(), name.end(), '/', '_');
    return name + "_" + std::to_string(port);
}

}  // namespace evergate::controller::marathon
