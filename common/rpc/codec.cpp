// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/codec.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/model/hex.hpp"
#include "common/model/json.hpp"
#include "common/model/json_depth.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::rpc {

namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxReason = 1024;
constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();

std::optional<model::ContentHash> contentHashFromHex(std::string_view text) {
    model::ContentHash hash{};
    return model::readHex(text, hash) ? std::optional(hash) : std::nullopt;
}

// Reads members of one object. The first thing wrong is remembered; later reads give defaults.
class Reader {
public:
    Reader(const Json& object, std::string& why) : object_(object), why_(why) {}

    const Json* find(const char* name) const {
        const auto it = object_.is_object() ? object_.find(name) : object_.end();
        return it == object_.end() ? nullptr : &*it;
    }

    void fail(const char* name, const char* what) {
        if (why_.empty()) {
            why_ = std::string(name) + ": " + what;
        }
    }

    std::string text(const char* name, std::size_t most) {
        const Json* json = find(name);
        if (json == nullptr || !json->is_string()) {
            fail(name, "text expected");
            return {};
        }
        const auto& value = json->get_ref<const std::string&>();
        if (value.size() > most) {
            fail(name, "too long");
            return {};
        }
        return value;
    }

    std::uint64_t number(const char* name, std::uint64_t most = kMaxNumber) {
        const Json* json = find(name);
        if (json == nullptr || !json->is_number_unsigned()) {
            fail(name, "number expected");
            return 0;
        }
        const auto value = json->get<std::uint64_t>();
        if (value > most) {
            fail(name, "too large");
            return 0;
        }
        return value;
    }

    bool flag(const char* name) {
        const Json* json = find(name);
        if (json == nullptr || !json->is_boolean()) {
            fail(name, "true or false expected");
            return false;
        }
        return json->get<bool>();
    }

    model::RootHash root(const char* name) {
        const auto hash = model::RootHash::fromHex(text(name, 64));
        if (!hash) {
            fail(name, "no root hash");
            return {};
        }
        return *hash;
    }

    model::Lane lane(const char* name) {
        const std::string value = text(name, 16);
        if (value != "config" && value != "endpoints") {
            fail(name, "no such lane");
        }
        return value == "endpoints" ? model::Lane::endpoints : model::Lane::config;
    }

    const Json& member(const char* name, Json::value_t type) {
        static const Json none;
        const Json* json = find(name);
        if (json == nullptr || json->type() != type) {
            fail(name, type == Json::value_t::object ? "object expected" : "list expected");
            return none;
        }
        return *json;
    }

private:
    const Json& object_;
    std::string& why_;
};

LaneState readLaneState(const Json& json, std::string& why) {
    Reader reader(json, why);
    return {reader.number("version"), reader.root("root")};
}

Hello readHello(const Json& params, std::string& why) {
    Reader reader(params, why);
    Hello hello;
    hello.nodeId = reader.text("nodeId", kMaxNameBytes);
    hello.bootId = reader.text("bootId", kMaxNameBytes);
    hello.build = reader.text("build", kMaxNameBytes);
    hello.epoch = reader.text("epoch", kMaxNameBytes);
    Reader protocol(reader.member("protocol", Json::value_t::object), why);
    hello.protocolMin = static_cast<int>(protocol.number("min", 1'000'000));
    hello.protocolMax = static_cast<int>(protocol.number("max", 1'000'000));
    hello.lanes[0] = readLaneState(reader.member("config", Json::value_t::object), why);
    hello.lanes[1] = readLaneState(reader.member("endpoints", Json::value_t::object), why);
    return hello;
}

void readUpserts(const Json& upserts, Part& part, std::string& why) {
    for (const auto& [text, json] : upserts.items()) {
        if (text.size() > model::kMaxKeyBytes) {
            why = "upserts: key too long";
            return;
        }
        auto decoded = model::decodeKey(text);
        if (auto* problem = std::get_if<model::Problem>(&decoded)) {
            part.refused.push_back({text, std::move(*problem)});
            continue;
        }
        auto& key = std::get<model::Key>(decoded);
        if (model::laneOf(key.kind) != part.header.lane) {
            why = "upserts: " + text + " is not of this lane";
            return;
        }
        auto value = model::decode(key.kind, json.dump());
        if (auto* problem = std::get_if<model::Problem>(&value)) {
            part.refused.push_back({text, std::move(*problem)});
        } else {
            part.upserts.emplace_back(std::move(key), std::move(std::get<model::Value>(value)));
        }
    }
}

void readDeletes(const Json& deletes, Part& part, std::string& why) {
    for (const Json& json : deletes) {
        auto decoded = json.is_string() ? model::decodeKey(json.get_ref<const std::string&>())
                                        : model::Problem{"deletes", "text expected"};
        auto* key = std::get_if<model::Key>(&decoded);
        if (key == nullptr || model::laneOf(key->kind) != part.header.lane) {
            why = "deletes: not a key of this lane";
            return;
        }
        part.deletes.push_back(std::move(*key));
    }
}

Part readPart(const Json& params, model::Lane lane, std::string& why) {
    Reader reader(params, why);
    Part part;
    part.header.lane = lane;
    part.header.epoch = reader.text("epoch", kMaxNameBytes);
    part.header.transaction = reader.number("transaction");
    part.header.version = reader.number("version");
    part.header.base = reader.root("base");
    part.header.target = reader.root("target");
    part.header.snapshot = reader.flag("snapshot");
    part.header.keyCount = reader.number("keyCount");
    part.index = static_cast<std::uint32_t>(reader.number("part", 10'000'000));
    part.last = reader.flag("last");
    const Json& upserts = reader.member("upserts", Json::value_t::object);
    const Json& deletes = reader.member("deletes", Json::value_t::array);
    if (why.empty()) {
        readUpserts(upserts, part, why);
        readDeletes(deletes, part, why);
    }
    return part;
}

KeysPage readKeysPage(const Json& result, std::string& why) {
    Reader reader(result, why);
    KeysPage page;
    page.more = reader.flag("more");
    for (const auto& [text, json] : reader.member("keys", Json::value_t::object).items()) {
        auto key = model::decodeKey(text);
        const auto hash = json.is_string() ? contentHashFromHex(json.get_ref<const std::string&>())
                                           : std::nullopt;
        if (!std::holds_alternative<model::Key>(key) || !hash) {
            reader.fail("keys", "no key and hash");
            return page;
        }
        page.keys.emplace_back(std::move(std::get<model::Key>(key)), *hash);
    }
    std::sort(page.keys.begin(), page.keys.end());
    return page;
}

Error readError(const Json& json, std::string& why) {
    Reader reader(json, why);
    Error error;
    const Json* code = reader.find("code");
    if (code == nullptr || !code->is_number_integer()) {
        reader.fail("error.code", "number expected");
        return error;
    }
    error.code = static_cast<ErrorCode>(code->get<std::int32_t>());
    error.message = reader.text("message", model::kMaxStringBytes);
    const Json* data = reader.find("data");
    if (data == nullptr) {
        return error;
    }
    Reader details(*data, why);
    if (details.find("retryAfterMs") != nullptr) {
        error.retryAfterMs = static_cast<std::uint32_t>(details.number("retryAfterMs", 3'600'000));
    }
    if (details.find("problems") == nullptr) {
        return error;
    }
    for (const Json& entry : details.member("problems", Json::value_t::array)) {
        if (error.problems.size() == kMaxProblems) {
            reader.fail("error.data.problems", "too many");
            break;
        }
        Reader problem(entry, why);
        error.problems.push_back({problem.text("key", model::kMaxKeyBytes),
                                  {problem.text("where", model::kMaxStringBytes),
                                   problem.text("what", model::kMaxStringBytes)}});
    }
    return error;
}

std::optional<std::uint64_t> readId(const Json& root, std::string& why) {
    Reader reader(root, why);
    if (reader.find("id") == nullptr) {
        return std::nullopt;
    }
    return reader.number("id");
}

Reply readReply(const Json& root, std::string& why) {
    Reader reader(root, why);
    Reply reply;
    reply.id = reader.number("id");
    if (reader.find("error") != nullptr) {
        reply.outcome = readError(reader.member("error", Json::value_t::object), why);
        return reply;
    }
    const Json& result = reader.member("result", Json::value_t::object);
    Reader members(result, why);
    if (members.find("keys") != nullptr) {
        reply.outcome = readKeysPage(result, why);
    } else if (members.find("protocol") != nullptr) {
        reply.outcome = Welcome{static_cast<int>(members.number("protocol", 1'000'000)),
                                members.text("epoch", kMaxNameBytes)};
    } else {
        reply.outcome = Ack{members.number("version"), members.root("root")};
    }
    return reply;
}

KeysRequest readKeysRequest(std::uint64_t id, const Json& params, std::string& why) {
    Reader reader(params, why);
    KeysRequest request;
    request.id = id;
    request.lane = reader.lane("lane");
    if (reader.find("after") != nullptr) {
        auto key = model::decodeKey(reader.text("after", model::kMaxKeyBytes));
        if (std::holds_alternative<model::Problem>(key)) {
            reader.fail("after", "no key");
        } else {
            request.after = std::move(std::get<model::Key>(key));
        }
    }
    return request;
}

TicketKeys readTicketKeys(const Json& params, std::string& why) {
    Reader reader(params, why);
    TicketKeys message;
    for (const Json& entry : reader.member("keys", Json::value_t::array)) {
        std::string key(kTicketKeyBytes, '\0');
        if (message.keys.size() == kMaxTicketKeys || !entry.is_string() ||
            !model::readHex(entry.get_ref<const std::string&>(), key)) {
            reader.fail("keys", "1 to 4 keys of 80 bytes in hexadecimal expected");
            break;
        }
        message.keys.push_back(std::move(key));
    }
    if (message.keys.empty()) {
        reader.fail("keys", "no key");
    }
    return message;
}

Message readCall(const Json& root, std::string& why) {
    Reader reader(root, why);
    const std::string method = reader.text("method", kMaxNameBytes);
    const auto id = readId(root, why);
    const bool known = method == "apply" || method == "endpoints" || method == "hello" ||
                       method == "keys" || method == "ticketKeys";
    if (!known || !why.empty()) {
        return UnknownCall{id, method};
    }
    const Json& params = reader.member("params", Json::value_t::object);
    if (method == "apply" || method == "endpoints") {
        PartMessage message{
            id, readPart(params, method == "apply" ? model::Lane::config : model::Lane::endpoints,
                         why)};
        if (message.part.last != message.id.has_value()) {
            reader.fail("id", "stands on the last part and only there");
        }
        return message;
    }
    if (method == "ticketKeys") {
        return readTicketKeys(params, why);
    }
    if (!id) {
        reader.fail("id", "missing");
        return UnknownCall{};
    }
    if (method == "hello") {
        return HelloRequest{*id, readHello(params, why)};
    }
    return readKeysRequest(*id, params, why);
}

std::string result(std::uint64_t id, const std::string& body) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + ",\"result\":{" + body + "}}";
}

std::string laneState(const LaneState& lane) {
    return "{\"version\":" + std::to_string(lane.version) + ",\"root\":\"" + lane.root.toHex() +
           "\"}";
}

}  // namespace

std::variant<Message, DecodeError> decode(std::string_view text) {
    if (text.size() > kMaxFrameBytes) {
        return DecodeError{"frame too large"};
    }
    if (model::nestsDeeperThan(text, kMaxDepth)) {
        return DecodeError{"nested too deeply"};
    }
    const Json root = Json::parse(text, nullptr, false);
    if (root.is_discarded() || !root.is_object()) {
        return DecodeError{"not a JSON object"};
    }
    std::string why;
    if (Reader(root, why).text("jsonrpc", 8) != "2.0") {
        return DecodeError{"not JSON-RPC 2.0"};
    }
    Message message = root.contains("method") ? readCall(root, why) : Message{readReply(root, why)};
    if (!why.empty()) {
        return DecodeError{std::move(why)};
    }
    return message;
}

std::string jsonText(std::string_view text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string toHex(const model::ContentHash& hash) {
    return model::hexOf(hash);
}

std::string encodeHello(std::uint64_t id, const Hello& hello) {
    std::string text = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
    text += R"(,"method":"hello","params":{"nodeId":)" + jsonText(hello.nodeId);
    text += ",\"bootId\":" + jsonText(hello.bootId) + ",\"build\":" + jsonText(hello.build);
    text += ",\"protocol\":{\"min\":" + std::to_string(hello.protocolMin);
    text +=
        ",\"max\":" + std::to_string(hello.protocolMax) + "},\"epoch\":" + jsonText(hello.epoch);
    text += ",\"config\":" + laneState(hello.lanes[0]);
    text += ",\"endpoints\":" + laneState(hello.lanes[1]) + "}}";
    return text;
}

std::string encodeKeysRequest(const KeysRequest& request) {
    std::string text = R"({"jsonrpc":"2.0","id":)" + std::to_string(request.id);
    text += R"(,"method":"keys","params":{"lane":)";
    text += request.lane == model::Lane::endpoints ? "\"endpoints\"" : "\"config\"";
    if (request.after) {
        text += ",\"after\":" + jsonText(model::encodeKey(*request.after));
    }
    return text + "}}";
}

std::string encodeTicketKeys(const TicketKeys& message) {
    std::string text = R"({"jsonrpc":"2.0","method":"ticketKeys","params":{"keys":[)";
    for (std::size_t i = 0; i < message.keys.size(); ++i) {
        text += (i == 0 ? "\"" : ",\"") + model::hexOf(message.keys[i]) + "\"";
    }
    return text + "]}}";
}

std::string encodeWelcome(std::uint64_t id, const Welcome& welcome) {
    return result(id, "\"protocol\":" + std::to_string(welcome.protocol) +
                          ",\"epoch\":" + jsonText(welcome.epoch));
}

std::string encodeAck(std::uint64_t id, const Ack& ack) {
    return result(id, "\"version\":" + std::to_string(ack.version) + ",\"root\":\"" +
                          ack.root.toHex() + "\"");
}

std::string encodeKeysPage(std::uint64_t id, const KeysPage& page) {
    std::string text = page.more ? "\"more\":true,\"keys\":{" : "\"more\":false,\"keys\":{";
    bool first = true;
    for (const auto& [key, hash] : page.keys) {
        text += first ? "" : ",";
        text += jsonText(model::encodeKey(key)) + ":\"" + toHex(hash) + "\"";
        first = false;
    }
    return result(id, text + "}");
}

std::string encodeError(std::uint64_t id, const Error& error) {
    std::string text = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
    text += ",\"error\":{\"code\":" + std::to_string(static_cast<int>(error.code));
    text += ",\"message\":" + jsonText(error.message) + ",\"data\":{\"retryAfterMs\":";
    text += std::to_string(error.retryAfterMs) + ",\"problems\":[";
    bool first = true;
    for (const KeyProblem& entry : error.problems) {
        if (text.size() > kPartBytes) {
            break;  // what is left out is refused again once these are gone
        }
        text += first ? "" : ",";
        text += "{\"key\":" + jsonText(entry.key);
        text +=
            ",\"where\":" + jsonText(std::string_view(entry.problem.where).substr(0, kMaxReason));
        text +=
            ",\"what\":" + jsonText(std::string_view(entry.problem.what).substr(0, kMaxReason)) +
            "}";
        first = false;
    }
    return text + "]}}}";
}

}  // namespace evergate::rpc
