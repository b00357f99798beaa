// SPDX-License-Identifier: Apache-2.0
// Whatever frames say, a request that is taken is exactly one HTTP/1.1 head, and its fields are
// those that came. The first byte says whether frames or fields follow.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/http2/multiplexer.hpp"
#include "dataplane/http2/request_text.hpp"

namespace {

using evergate::http2::Multiplexer;
using evergate::http2::RequestText;
using evergate::http2::Stream;

// Found where it is said to be, everything is what a parser finds.
void checkPlaces(const RequestText& text, const evergate::http::RequestHead& parsed) {
    evergate::http::RequestHead head;
    const auto result = readCheckedRequest(text.text(), text.places(), head);
    bool same = result.status == evergate::http::ParseStatus::complete &&
                head.headBytes == parsed.headBytes && head.target == parsed.target &&
                head.host == parsed.host && head.framing == parsed.framing &&
                head.contentLength == parsed.contentLength && head.upgrade == parsed.upgrade &&
                head.grpc == parsed.grpc && head.fields.size() == parsed.fields.size();
    for (std::size_t i = 0; same && i < head.fields.size(); ++i) {
        const auto& a = head.fields[i];
        const auto& b = parsed.fields[i];
        same = a.id == b.id && a.hopByHop == b.hopByHop && a.name == b.name && a.value == b.value;
    }
    if (!same)
        std::abort();
}

void check(RequestText& text, bool ended) {
    if (text.finish(ended, "AAAAAAAAAAAAAAAAAAAAAA==") != RequestText::Status::complete)
        return;
    evergate::http::RequestHead head;
    std::size_t scanned = 0;
    const auto result =
        evergate::http::parseRequestHead(text.text(), {text.text().size() + 1, 256}, scanned, head);
    if (result.status == evergate::http::ParseStatus::incomplete)
        std::abort();
    if (result.status == evergate::http::ParseStatus::error) {
        evergate::http::RequestHead same;
        if (readCheckedRequest(text.text(), text.places(), same).error != result.error)
            std::abort();
        return;
    }
    checkPlaces(text, head);
    const bool framed = head.framing == evergate::http::Framing::chunked;
    if (head.headBytes != text.text().size() || framed != text.chunked())
        std::abort();
    if (text.text().find(std::string("Host: ").append(head.authority)) == std::string::npos)
        std::abort();
}

// "name\0value\0name\0value\0..."
void fields(std::string_view bytes) {
    RequestText text;
    text.begin({4'096, 64});
    const auto part = [&bytes] {
        const std::size_t end = bytes.find('\0');
        const std::string_view one = bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        return one;
    };
    const bool ended = !bytes.empty() && (bytes.front() & 1) != 0;
    while (!bytes.empty()) {
        const std::string_view name = part();
        if (!text.add(name, part()))
            return;
    }
    check(text, ended);
    std::string trailers;
    if (evergate::http2::appendTrailer(text.text(), "x", trailers) && !trailers.empty())
        std::abort();  // a whole head is no name
}

// Takes requests and answers none.
class Reader final : public evergate::http2::Multiplexer::Handler {
public:
    void onSettings(bool) override {}

    void onFieldsBegin(Stream&, bool opens) override {
        opens_ = opens;
        if (opens)
            text_.begin({4'096, 64});
    }

    bool onField(Stream&, std::string_view name, std::string_view value) override {
        return !opens_ || text_.add(name, value);
    }

    void onFieldsEnd(Stream&, bool last) override {
        if (opens_)
            check(text_, last);
    }

    void onData(Stream&, std::string_view) override {}

    void onEnd(Stream&) override {}

    void onClosed(Stream&, evergate::http2::ErrorCode) override {}

    void onBreach(Multiplexer::Breach, Stream*) override {}

    Multiplexer::Piece onRead(Stream&, char*, std::size_t) override { return {}; }

private:
    RequestText text_;
    bool opens_ = false;
};

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

void frames(std::string_view bytes) {
    Reader reader;
    evergate::http2::StreamPool pool;
    Multiplexer multiplexer(Multiplexer::Role::server, reader, pool);
    multiplexer.start({}, 65'535, 65'535);
    multiplexer.receive(evergate::http2::kPreface);
    while (!bytes.empty())
        bytes.remove_prefix(multiplexer.receive(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view bytes = view(data + 1, size - 1);
    if ((data[0] & 1) != 0)
        frames(bytes);
    else
        fields(bytes);
    return 0;
}
