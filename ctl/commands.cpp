// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "controller/objects/printable.hpp"
#include "controller/translate/annotation_table.hpp"
#include "ctl/exit_status.hpp"
#include "ctl/http_client.hpp"
#include "ctl/reports.hpp"
#include "ctl/validate.hpp"

namespace evergate::ctl {
namespace {

using Json = nlohmann::json;

// What an API said: its JSON, or an exit status after a line on `err`.
struct Answer {
    Json json;
    int status = kGood;
};

class Session {
public:
    Session(CommandLine line, std::ostream& out, std::ostream& err)
        : line_(std::move(line)), out_(out), err_(err) {}

    int run() {
        switch (line_.command) {
            case Command::status:
                return status();
            case Command::routes:
                return show(line_.admin, "/api/v1/routes", [this](const Json& answer) {
                    printRoutes(answer, firstArgument(), out_);
                });
            case Command::backends:
                return show(line_.admin, "/api/v1/backends" + filterQuery(),
                            [this](const Json& answer) { printBackends(answer, out_); });
            case Command::listeners:
                return show(line_.admin, "/api/v1/listeners",
                            [this](const Json& answer) { printListeners(answer, out_); });
            case Command::revisions:
                return show(line_.admin, "/api/v1/revisions",
                            [this](const Json& answer) { printRevisions(answer, out_); });
            case Command::problems:
                return problems();
            case Command::dataplanes:
                return show(line_.controllerAdmin, "/api/v1/dataplanes",
                            [this](const Json& answer) { printDataplanes(answer, out_); });
            case Command::explain:
                return explain();
            case Command::drain:
                return drain();
            case Command::validate:
                return validateFolder(line_, out_, err_);
            case Command::annotations:
                out_ << controller::annotationsDocument();
                return kGood;
            case Command::help:
                break;
        }
        out_ << helpText();
        return kGood;
    }

private:
    std::string firstArgument() const {
        return line_.arguments.empty() ? std::string() : line_.arguments.front();
    }

    std::string filterQuery() const {
        return line_.arguments.empty() ? std::string()
                                       : "?filter=" + percentEncode(firstArgument());
    }

    int complain(const std::string& what, int status) {
        err_ << "evergatectl: " << controller::printable(what, 1000) << '\n';
        return status;
    }

    static std::string errorText(const HttpAnswer& answer) {
        const Json body = Json::parse(answer.body, nullptr, false);
        std::string text = "answered " + std::to_string(answer.status);
        if (body.is_object() && body.contains("error") && body["error"].is_string()) {
            text += ": " + body["error"].get<std::string>();
        } else if (!body.is_structured() && !answer.body.empty()) {
            text += ": " + answer.body;
        }
        return text;
    }

    Answer ask(const std::string& admin, std::string_view method, const std::string& target) {
        const auto base = parseBaseUrl(admin);
        if (!base) {
            return {{},
                    complain("not an address like http://127.0.0.1:9302: " + admin, kWrongUsage)};
        }
        auto fetched = fetch(*base, method, target, line_.timeout);
        if (const auto* failure = std::get_if<Unreachable>(&fetched)) {
            return {{}, complain(admin + " cannot be reached: " + failure->what, kUnreachable)};
        }
        const auto& answer = std::get<HttpAnswer>(fetched);
        if (answer.status >= 400) {
            return {{}, complain(admin + ' ' + errorText(answer), kNo)};
        }
        Json json = Json::parse(answer.body, nullptr, false);
        if (!json.is_object()) {
            return {{}, complain(admin + " did not answer like an Evergate program", kUnreachable)};
        }
        return {std::move(json), kGood};
    }

    void printJson(const Json& json) const {
        out_ << json.dump(2, ' ', true, Json::error_handler_t::replace) << '\n';
    }

    // Shows a good answer, as JSON when asked for; gives the exit status.
    template <typename Print>
    int present(const Answer& answer, const Print& print) {
        if (answer.status != kGood) {
            return answer.status;
        }
        if (line_.output == Output::json) {
            printJson(answer.json);
        } else {
            print(answer.json);
        }
        return kGood;
    }

    // The same for an answer that may itself be a no.
    template <typename Print>
    int present(const Answer& answer, const Print& print, bool (*saysYes)(const Json&)) {
        const int status = present(answer, print);
        return status != kGood || saysYes(answer.json) ? status : kNo;
    }

    template <typename Print>
    int show(const std::string& admin, const std::string& target, const Print& print) {
        return present(ask(admin, "GET", target), print);
    }

    int status() {
        return present(
            ask(line_.admin, "GET", "/api/v1/status"),
            [this](const Json& answer) {
                printStatus(answer, out_);
                out_ << '\n';
                controllerStatus();
            },
            saysReady);
    }

    // The JSON of one path of the controller; nothing, and why in `why`, without an answer.
    std::optional<Json> fromController(const char* path, std::string& why) const {
        const auto base = parseBaseUrl(line_.controllerAdmin);
        const auto fetched =
            base ? fetch(*base, "GET", path, line_.timeout)
                 : std::variant<HttpAnswer, Unreachable>(Unreachable{"not an address"});
        const auto* answer = std::get_if<HttpAnswer>(&fetched);
        if (answer == nullptr) {
            why = std::get<Unreachable>(fetched).what;
            return std::nullopt;
        }
        Json json = Json::parse(answer->body, nullptr, false);
        if (answer->status >= 400 || !json.is_object()) {
            why = errorText(*answer);
            return std::nullopt;
        }
        return json;
    }

    // The data plane serves without its controller, so not reaching it is news, not a failure.
    void controllerStatus() {
        std::string why;
        if (const auto source = fromController("/api/v1/source", why)) {
            printFacts("CONTROLLER", *source, out_);
            if (const auto leader = fromController("/api/v1/leader", why)) {
                printLeader(*leader, out_);
            }
            return;
        }
        out_ << "CONTROLLER  not reached at " << controller::printable(line_.controllerAdmin, 300)
             << ": " << controller::printable(why, 300) << '\n';
    }

    int problems() {
        return present(
            ask(line_.controllerAdmin, "GET", "/api/v1/problems"),
            [this](const Json& answer) { printProblems(answer, out_); },
            [](const Json& answer) { return !saysProblems(answer); });
    }

    int explain() {
        std::string target = "/api/v1/explain?method=" + percentEncode(line_.arguments[0]) +
                             "&url=" + percentEncode(line_.arguments[1]);
        std::string headers;
        for (const std::string& header : line_.headers) {
            headers += header + '\n';
        }
        if (!headers.empty()) {
            target += "&header=" + percentEncode(headers);
        }
        return present(
            ask(line_.admin, "GET", target),
            [this](const Json& answer) { printExplanation(answer, out_); }, saysRouted);
    }

    int drain() {
        return present(ask(line_.admin, "POST", "/api/v1/drain"),
                       [this](const Json&) { out_ << "draining\n"; });
    }

    CommandLine line_;
    std::ostream& out_;
    std::ostream& err_;
};

}  // namespace

int run(const std::vector<std::string>& arguments, const Environment& environment,
        std::ostream& out, std::ostream& err) {
    auto parsed = parseCommandLine(arguments, environment);
    if (const auto* error = std::get_if<UsageError>(&parsed)) {
        err << "evergatectl: " << controller::printable(error->what, 1000)
            << "; see evergatectl --help\n";
        return kWrongUsage;
    }
    return Session(std::get<CommandLine>(std::move(parsed)), out, err).run();
}

}  // namespace evergate::ctl
