// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <new>
#include <sstream>
#include <utility>

#include "controller/directory/core_schema.hpp"
#include "controller/directory/utf8.hpp"
#include "controller/objects/printable.hpp"

namespace evergate::controller::directory {
namespace {

using Json = nlohmann::json;

// Leaves the parser from inside a callback; never leaves this file.
struct Refused {
    int line;
    std::string what;
};

int lineOf(const YAML::Mark& mark) {
    return mark.line + 1;
}

class DocumentBuilder final : public YAML::EventHandler {
public:
    // Nodes count over the whole file, so that many documents are no way around the bound.
    YamlDocument take() {
        stack_.clear();
        anchors_.clear();
        return std::exchange(document_, {});
    }

    void OnDocumentStart(const YAML::Mark& mark) override {
        // At a bracket that closes nothing the parser sees empty documents without end.
        if (mark.pos <= startOfLast_)
            throw Refused{lineOf(mark), "a bracket closes nothing that was opened"};
        startOfLast_ = mark.pos;
        document_.line = lineOf(mark);
    }

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (expectsKey()) {
            throw Refused{lineOf(mark), "a key is missing"};
        }
        place(mark, nullptr, anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        if (expectsKey()) {
            setKey(mark, tag, text);
            return;
        }
        auto value = resolveTagged(tag, text);
        if (!value) {
            throw Refused{lineOf(mark), "\"" + printable(text) + "\" is not a value JSON can hold"};
        }
        place(mark, std::move(*value), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (expectsKey()) {
            throw Refused{lineOf(mark), "an alias cannot be a key"};
        }
        const auto it = anchors_.find(anchor);
        if (it == anchors_.end()) {
            throw Refused{lineOf(mark), "an alias stands inside what it refers to"};
        }
        // Before the copy: what is refused must not have been made.
        count(mark, it->second.nodes);
        if (stack_.size() + it->second.depth > kMaxYamlDepth) {
            throw Refused{lineOf(mark), "is nested too deeply"};
        }
        const std::size_t depth = it->second.depth;
        attach(Json(it->second.value), depth);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, "seq", Json::array(), anchor);
    }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, "map", Json::object(), anchor);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapEnd() override { close(); }

private:
    struct Frame {
        Json value;
        std::string key;
        bool hasKey = false;
        YAML::anchor_t anchor = 0;
        std::size_t nodesBefore = 0;
        std::size_t depth = 1;  // of what it holds so far, itself included
        YAML::Mark mark;
    };

    struct Anchored {
        Json value;
        std::size_t nodes = 1;
        std::size_t depth = 1;
    };

    bool expectsKey() const {
        return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().hasKey;
    }

    void count(const YAML::Mark& mark, std::size_t nodes) {
        if (nodes > kMaxYamlNodes - nodes_) {
            throw Refused{lineOf(mark), "the file has too many values"};
        }
        nodes_ += nodes;
    }

    void setKey(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
        if (text == "<<" && tag != "!") {
            throw Refused{lineOf(mark), "merge keys (<<) are not supported"};
        }
        Frame& frame = stack_.back();
        if (frame.value.contains(text)) {
            throw Refused{lineOf(mark), "key \"" + printable(text) + "\" appears twice"};
        }
        count(mark, 1);
        frame.key = text;
        frame.hasKey = true;
    }

    void place(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
        count(mark, 1);
        noteLine(mark);
        if (anchor != 0) {
            anchors_[anchor] = {value, 1, 1};
        }
        attach(std::move(value), 1);
    }

    void open(const YAML::Mark& mark, const std::string& tag, const std::string& type, Json empty,
              YAML::anchor_t anchor) {
        if (expectsKey()) {
            throw Refused{lineOf(mark), "a key must be a scalar"};
        }
        if (!tag.empty() && tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:" + type) {
            throw Refused{lineOf(mark), "tag " + printable(tag) + " is not supported"};
        }
        if (stack_.size() >= kMaxYamlDepth) {
            throw Refused{lineOf(mark), "is nested too deeply"};
        }
        noteLine(mark);
        const std::size_t before = nodes_;
        count(mark, 1);
        stack_.push_back({std::move(empty), {}, false, anchor, before, 1, mark});
    }

    void close() {
        Frame frame = std::move(stack_.back());
        stack_.pop_back();
        if (frame.anchor != 0) {
            // The copy is memory too.
            const std::size_t nodes = nodes_ - frame.nodesBefore;
            count(frame.mark, nodes);
            anchors_[frame.anchor] = {frame.value, nodes, frame.depth};
        }
        attach(std::move(frame.value), frame.depth);
    }

    void attach(Json value, std::size_t depth) {
        if (stack_.empty()) {
            document_.value = std::move(value);
            return;
        }
        Frame& frame = stack_.back();
        frame.depth = std::max(frame.depth, depth + 1);
        if (frame.value.is_array()) {
            frame.value.push_back(std::move(value));
        } else {
            frame.value[frame.key] = std::move(value);
            frame.hasKey = false;
        }
    }

    void noteLine(const YAML::Mark& mark) {
        // The document's own mark is that of its "---".
        if (stack_.empty()) {
            document_.line = lineOf(mark);
        }
        if (stack_.size() == 2 && stack_[0].value.is_object() && stack_[0].key == "items" &&
            stack_[1].value.is_array()) {
            document_.itemLines.resize(stack_[1].value.size());
            document_.itemLines.push_back(lineOf(mark));
        }
    }

    YamlDocument document_;
    std::vector<Frame> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t nodes_ = 0;
    int startOfLast_ = -1;  // offset of the document before
};

}  // namespace

std::variant<std::vector<YamlDocument>, SyntaxProblem> readYaml(std::string_view text) {
    if (const auto bad = findInvalidUtf8(text)) {
        return SyntaxProblem{lineAt(text, *bad), "is not UTF-8 text"};
    }
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        DocumentBuilder builder;
        std::vector<YamlDocument> documents;
        while (parser.HandleNextDocument(builder)) {
            documents.push_back(builder.take());
        }
        return documents;
    } catch (const Refused& refused) {
        return SyntaxProblem{refused.line, refused.what};
    } catch (const YAML::Exception& error) {
        return SyntaxProblem{error.mark.is_null() ? 1 : lineOf(error.mark),
                             printable(error.msg, 200)};
    } catch (const std::bad_alloc&) {
        return SyntaxProblem{1, "takes more memory than there is"};
    }
}

}  // namespace evergate::controller::directory
