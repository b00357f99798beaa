// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/send_order.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace evergate::http2 {
namespace {

using Ids = std::vector<std::uint32_t>;

class Order : public testing::Test {
protected:
    Stream& add(std::uint32_t id, std::uint8_t urgency = 3, bool incremental = false) {
        Stream& stream = streams_.emplace_back();
        stream.id = id;
        stream.priority = {urgency, incremental};
        order_.add(stream);
        return stream;
    }

    // Whose turn it is, so many times.
    Ids turns(int count) {
        Ids ids;
        for (int i = 0; i < count && !order_.empty(); ++i) {
            ids.push_back(order_.front().id);
            order_.next(order_.front());
        }
        return ids;
    }

    // One after the other until it is done.
    Ids rest() {
        Ids ids;
        while (!order_.empty()) {
            ids.push_back(order_.front().id);
            order_.front().unlink();
        }
        return ids;
    }

    std::deque<Stream> streams_;
    SendOrder order_;
};

TEST_F(Order, IsEmptyAtFirst) {
    EXPECT_TRUE(order_.empty());
    add(1);
    EXPECT_FALSE(order_.empty());
}

TEST_F(Order, IsByUrgency) {
    add(1, 7);
    add(3, 0);
    add(5, 3);
    add(7, 0);
    EXPECT_EQ(rest(), (Ids{3, 7, 5, 1}));
}

TEST_F(Order, IsByNumberUnlessIncremental) {
    add(5);
    add(1);
    add(3);
    EXPECT_EQ(turns(4), (Ids{1, 1, 1, 1}));
    EXPECT_EQ(rest(), (Ids{1, 3, 5}));
}

TEST_F(Order, IncrementalOnesTakeTurns) {
    add(5, 3, true);
    add(1, 3, true);
    add(3, 3, true);
    EXPECT_EQ(turns(7), (Ids{5, 1, 3, 5, 1, 3, 5}));
}

TEST_F(Order, IncrementalOnesComeAfterTheOthersOfTheirUrgency) {
    add(1, 3, true);
    add(3, 4);
    add(5, 3);
    add(7, 2, true);
    EXPECT_EQ(turns(3), (Ids{7, 7, 7}));
    EXPECT_EQ(rest(), (Ids{7, 5, 1, 3}));
}

TEST_F(Order, OneWhoseTurnItIsMayLeave) {
    add(1, 3, true);
    Stream& second = add(3, 3, true);
    add(5, 3, true);
    EXPECT_EQ(turns(1), (Ids{1}));
    second.unlink();
    EXPECT_EQ(turns(3), (Ids{5, 1, 5}));
    order_.add(second);
    EXPECT_EQ(turns(3), (Ids{1, 5, 3}));
}

TEST_F(Order, AloneKeepsItsTurn) {
    add(1, 3, true);
    EXPECT_EQ(turns(3), (Ids{1, 1, 1}));
}

}  // namespace
}  // namespace evergate::http2
