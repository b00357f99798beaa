// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/write_pace.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <sstream>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;

class WritePaceTest : public ::testing::Test {
protected:
    static kubernetes::ApiAnswer answer(unsigned status, const std::string& message = "") {
        kubernetes::ApiAnswer made;
        made.status = status;
        if (status / 100 != 2) {
            made.refusal = kubernetes::ApiStatus{static_cast<int>(status), "", message, {}};
        }
        return made;
    }

    Verdict judge(unsigned status, WriteKind kind = WriteKind::status) {
        return pace.judge(kind, answer(status), now);
    }

    long lines() const {
        const auto text = log.str();
        return std::count(text.begin(), text.end(), '\n');
    }

    std::ostringstream log;
    process::Logger logger =
        process::Logging(spdlog::level::info, process::LogFormat::text,
                         std::make_shared<spdlog::sinks::ostream_sink_mt>(log, true))
            .logger("test");
    WritePace pace{logger, 1};
    WritePace::Time now{1000s};
};

TEST_F(WritePaceTest, JudgesWhatConcernsOneObjectWithoutPausing) {
    EXPECT_EQ(judge(200), Verdict::ok);
    EXPECT_EQ(judge(201), Verdict::ok);
    EXPECT_EQ(judge(404), Verdict::missing);
    EXPECT_EQ(judge(409), Verdict::conflict);
    EXPECT_EQ(judge(422), Verdict::refused);
    EXPECT_TRUE(pace.may(WriteKind::status, now));
    EXPECT_TRUE(pace.may(WriteKind::event, now));
}

TEST_F(WritePaceTest, PausesLongerEachTimeWhileTheServerIsUnwell) {
    auto longest = 0ns;
    for (const unsigned status : {0U, 500U, 503U, 429U, 401U, 500U, 500U, 500U, 500U}) {
        EXPECT_EQ(judge(status), Verdict::tryLater);
        const auto pause = pace.ready(WriteKind::status) - now;
        EXPECT_GE(pace.ready(WriteKind::event) - now, 250ms);
        EXPECT_LE(pause, 30s);
        longest = std::max<std::chrono::nanoseconds>(longest, pause);
        now = pace.ready(WriteKind::status);
    }
    EXPECT_GE(longest, 15s);
    EXPECT_EQ(judge(200), Verdict::ok);
    EXPECT_EQ(judge(500), Verdict::tryLater);
    EXPECT_LE(pace.ready(WriteKind::status) - now, 500ms);
}

TEST_F(WritePaceTest, WaitsAsLongAsTheServerAsks) {
    auto busy = answer(429);
    busy.retryAfter = 7s;
    EXPECT_EQ(pace.judge(WriteKind::status, busy, now), Verdict::tryLater);
    EXPECT_EQ(pace.ready(WriteKind::event), now + 7s);
}

TEST_F(WritePaceTest, WhatIsForbiddenStopsItsKindOnlyAndIsToldRarely) {
    for (int minute = 0; minute < 20; ++minute) {
        EXPECT_EQ(judge(403), Verdict::tryLater);
        EXPECT_FALSE(pace.may(WriteKind::status, now));
        EXPECT_TRUE(pace.may(WriteKind::event, now));
        now += 1min;
        EXPECT_TRUE(pace.may(WriteKind::status, now));
    }
    EXPECT_EQ(lines(), 2);
    EXPECT_NE(log.str().find("ingresses/status"), std::string::npos) << log.str();
}

TEST_F(WritePaceTest, ANamespaceThatGoesIsNoMatterOfPermission) {
    EXPECT_EQ(pace.judge(WriteKind::event,
                         answer(403,
                                "unable to create new content in namespace x because it is "
                                "being terminated"),
                         now),
              Verdict::refused);
    EXPECT_TRUE(pace.may(WriteKind::event, now));
}

}  // namespace
}  // namespace evergate::controller::writeback
