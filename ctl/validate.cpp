// SPDX-License-Identifier: Apache-2.0
#include "ctl/validate.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "controller/directory/folder.hpp"
#include "controller/directory/manifest_store.hpp"
#include "controller/objects/printable.hpp"
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

}  // namespace

int validateFolder(const CommandLine& line, std::ostream& out, std::ostream& err) {
    ManifestStore store;
    const std::string& folder = line.arguments.front();
    const auto loaded = controller::directory::loadFolder(folder, store);
    if (!loaded) {
        err << "evergatectl: cannot read " << controller::printable(folder, 4096) << ": "
            << loaded.error().message() << '\n';
        return kUnreachable;
    }
    controller::TranslateOptions options;
    options.ingressClass = line.ingressClass;
    options.loopbackEndpoints = true;
    options.https.emplace();  // as the controller, unless it is told otherwise
    controller::CertificateCache certificates;
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    Desired desired = controller::translate(store.objects(), options, certificates, now.count());
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
