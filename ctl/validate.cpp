// SPDX-License-Identifier: Apache-2.0
#include "ctl/validate.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "common/process/listen_address.hpp"
#include "common/process/settings.hpp"
#include "common/process/version.hpp"
#include "controller/directory/folder.hpp"
#include "controller/directory/manifest_store.hpp"
#include "controller/objects/printable.hpp"
#include "controller/settings/https_settings.hpp"
#include "controller/translate/translate.hpp"
#include "ctl/exit_status.hpp"
#include "ctl/table.hpp"

namespace evergate::ctl {
namespace {

using controller::Desired;
using controller::directory::ManifestStore;

struct Facts {
    std::size_t files = 0;
    std::size_t objects = 0;
    std::size_t skipped = 0;
};

void printJson(const Desired& desired, const Facts& facts, std::ostream& out) {
    nlohmann::json problems = nlohmann::json::array();
    for (const auto& problem : desired.problems) {
        problems.push_back(
            {{"object", problem.object}, {"where", problem.where}, {"what", problem.what}});
    }
    const nlohmann::json answer = {{"files", facts.files},
                                   {"objects", facts.objects},
                                   {"skipped", facts.skipped},
                                   {"routes", desired.config.count(model::Kind::route)},
                                   {"backends", desired.config.count(model::Kind::backend)},
                                   {"listeners", desired.config.count(model::Kind::listener)},
                                   {"problems", std::move(problems)}};
    out << answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void printTable(const Desired& desired, const Facts& facts, std::ostream& out) {
    if (!desired.problems.empty()) {
        Table table({"OBJECT", "WHERE", "PROBLEM"});
        for (const auto& problem : desired.problems) {
            table.add({problem.object, problem.where, problem.what});
        }
        table.print(out);
        out << '\n';
    }
    out << facts.objects << " objects in " << facts.files << " files";
    if (facts.skipped > 0) {
        out << " (" << facts.skipped << " of other kinds passed over)";
    }
    out << ": " << desired.config.count(model::Kind::route) << " routes, "
        << desired.config.count(model::Kind::backend) << " backends, "
        << desired.config.count(model::Kind::listener) << " listeners, " << desired.problems.size()
        << " problems\n";
}

// What the controller with these flags translates with; nothing, and why in `err`, when they are
// wrong.
std::optional<controller::TranslateOptions> translateOptions(const CommandLine& line,
                                                             std::ostream& err) {
    process::ListenAddress http{"0.0.0.0", 80};
    controller::HttpsSettings https;
    process::SettingsTable table("evergatectl", EVERGATE_VERSION, "");
    table.add("http-listen", "ADDRESS:PORT", "", http).check([&http](std::string_view) {
        return http.port == 0 ? "must have a port other than 0" : "";
    });
    controller::addHttpsRows(table, https);
    std::vector<const char*> flags;
    for (const std::string& flag : line.controllerFlags) {
        flags.push_back(flag.c_str());
    }
    const auto none = [](const char*) -> const char* { return nullptr; };
    if (table.parse(flags, none, err, err)) {
        return std::nullopt;
    }
    if (const auto wrong = controller::checkHttps(https, http, ""); !wrong.empty()) {
        table.reportError(err, wrong);
        return std::nullopt;
    }
    controller::TranslateOptions options;
    options.ingressClass = line.ingressClass;
    options.listenAddress = http.address;
    options.listenPort = http.port;
    options.loopbackEndpoints = true;
    options.https = controller::httpsOptions(https);
    return options;
}

}  // namespace

int validateFolder(const CommandLine& line, std::ostream& out, std::ostream& err) {
    const auto options = translateOptions(line, err);
    if (!options) {
        return kWrongUsage;
    }
    ManifestStore store;
    const std::string& folder = line.arguments.front();
    const auto loaded = controller::directory::loadFolder(folder, store);
    if (!loaded) {
        err << "evergatectl: cannot read " << controller::printable(folder, 4096) << ": "
            << loaded.error().message() << '\n';
        return kUnreachable;
    }
    controller::CertificateCache certificates;
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    Desired desired = controller::translate(store.objects(), *options, certificates, now.count());
    store.locate(desired.problems);
    const auto problems = store.problems();
    desired.problems.insert(desired.problems.end(), problems.begin(), problems.end());
    std::sort(desired.problems.begin(), desired.problems.end());
    const Facts facts{store.fileNames().size(), store.objects().size(), store.skipped()};
    if (line.output == Output::json) {
        printJson(desired, facts, out);
    } else {
        printTable(desired, facts, out);
    }
    return desired.problems.empty() ? kGood : kNo;
}

}  // namespace evergate::ctl
