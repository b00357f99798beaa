// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/wait_queue.hpp"

#include <optional>
#include <utility>

#include "dataplane/upstream/admission.hpp"
#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream::test {
namespace {

// Messages between the "workers" of a test, delivered when it says so.
struct Mail final : SlotMail {
    void grant(unsigned worker, std::uint32_t, EndpointSlotsPtr slot) override {
        grants.emplace_back(worker, std::move(slot));
    }

    void look(unsigned worker, std::uint32_t) override { looks.push_back(worker); }

    std::vector<std::pair<unsigned, EndpointSlotsPtr>> grants;
    std::vector<unsigned> looks;
};

struct Request final : Waiter {
    Request(BackendState& theBackend, Random& theRandom) : backend(theBackend), random(theRandom) {}

    ~Request() {
        if (is_linked())
            backend.queue->leave(*this);
    }

    // As a session does: a slot, or a place in the queue, or neither.
    bool begin(std::uint32_t most = 100) {
        bool busy = !backend.queue->empty();
        endpoint = busy ? nullptr : choose(backend, {}, random, busy);
        if (endpoint != nullptr && takeSlot(backend, *endpoint)) {
            ++endpoint->activeRequests;
            return true;
        }
        endpoint = nullptr;
        return busy && backend.queue->enter(*this, most);
    }

    void end() {
        EndpointState& used = *std::exchange(endpoint, nullptr);
        --used.activeRequests;
        giveSlotBack(backend, used);
    }

    EndpointState* chooseEndpoint() override {
        bool busy = false;
        return choose(backend, {}, random, busy);
    }

    bool suits(const EndpointState& each) const override {
        return upstream::suits(backend, {}, each);
    }

    bool selective() const noexcept override { return false; }

    void onSlot(EndpointState& granted) override {
        endpoint = &granted;
        ++granted.activeRequests;
    }

    void onBackendGone() override { gone = true; }

    BackendState& backend;
    Random& random;
    EndpointState* endpoint = nullptr;
    bool gone = false;
};

class WaitQueueTest : public UpstreamTest {
protected:
    WaitQueueTest() {
        for (Registry* registry : {&first, &second})
            limit(*registry, 1);
    }

    static void limit(Registry& registry, std::uint32_t connections) {
        model::Backend backend;
        backend.maxConnections = connections;
        registry.setPolicy(0, std::make_shared<const model::Backend>(backend));
        registry.setEndpoints(0, {{{"127.0.0.1", 9, 1}}});
    }

    // Ends the turn: queues look.
    void turn() {
        context.restart();
        context.poll();
    }

    void deliver() {
        for (auto& [worker, slot] : std::exchange(mail.grants, {}))
            (worker == 0 ? first : second).receiveSlot(0, std::move(slot));
        for (const unsigned worker : std::exchange(mail.looks, {}))
            (worker == 0 ? first : second).lookAtQueue(0);
        turn();
    }

    std::uint32_t used() { return first.backend(0).endpoints[0]->slots->used(); }

    Mail mail;
    SlotTable slots{2, &mail};
    Registry first{pool, slots, 0};
    Registry second{pool, slots, 1};
    Random random{1};
    Request a{first.backend(0), random};
    Request b{first.backend(0), random};
    Request c{second.backend(0), random};
    Request d{second.backend(0), random};
};

TEST_F(WaitQueueTest, WorkersShareTheSlots) {
    EXPECT_TRUE(a.begin());
    EXPECT_TRUE(a.endpoint != nullptr);
    EXPECT_TRUE(c.begin());
    EXPECT_TRUE(c.endpoint == nullptr);
    a.end();
    EXPECT_EQ(used(), 1u);  // on its way to c
    EXPECT_TRUE(b.begin());
    EXPECT_TRUE(b.endpoint == nullptr);  // and not for anybody else
    deliver();
    EXPECT_TRUE(c.endpoint != nullptr);
    c.end();
    deliver();
    EXPECT_TRUE(b.endpoint != nullptr);
    b.end();
    EXPECT_EQ(used(), 0u);
}

TEST_F(WaitQueueTest, TheLongestWaitingOfAllWorkersIsFirst) {
    a.begin();
    c.begin();
    b.begin();
    d.begin();
    Request* const order[] = {&a, &c, &b, &d};
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(order[i]->endpoint != nullptr) << i;
        order[i]->end();
        deliver();
    }
    EXPECT_TRUE(d.endpoint != nullptr);
}

TEST_F(WaitQueueTest, SlotForOneThatLeftGoesOn) {
    a.begin();
    c.begin();
    b.begin();
    a.end();
    second.backend(0).queue->leave(c);  // while its slot is on its way
    deliver();
    deliver();
    EXPECT_TRUE(b.endpoint != nullptr);
    EXPECT_EQ(used(), 1u);
}

TEST_F(WaitQueueTest, LimitsHowManyWaitInAll) {
    a.begin();
    EXPECT_TRUE(c.begin(1));
    EXPECT_FALSE(b.begin(1));
    second.backend(0).queue->leave(c);
    EXPECT_TRUE(b.begin(1));
}

TEST_F(WaitQueueTest, SlotsThatComeFreeBeforeAnybodySeesUsAreFound) {
    a.begin();
    EXPECT_TRUE(b.begin());
    // As if the release had happened between our look and our place in the queue.
    --a.endpoint->activeRequests;
    a.endpoint->slots->giveBack();
    turn();
    EXPECT_TRUE(b.endpoint != nullptr);
}

TEST_F(WaitQueueTest, SlotOfAGoneEndpointIsNobodys) {
    a.begin();
    c.begin();
    a.end();
    second.setEndpoints(0, {{{"127.0.0.1", 10, 1}}});
    deliver();
    EXPECT_EQ(used(), 0u);
    turn();
    ASSERT_TRUE(c.endpoint != nullptr);  // the new one took it
    EXPECT_EQ(c.endpoint->port(), 10u);
}

TEST_F(WaitQueueTest, WithoutALimitNothingIsCounted) {
    a.begin();
    b.begin();
    limit(first, 0);
    turn();
    EXPECT_TRUE(b.endpoint != nullptr);
    EXPECT_EQ(second.backend(0).endpoints[0]->slots->used(), 0u);
    limit(first, 1);
    EXPECT_EQ(used(), 2u);  // those that were under way
    EXPECT_TRUE(c.begin());
    EXPECT_TRUE(c.endpoint == nullptr);
    a.end();
    deliver();
    EXPECT_TRUE(c.endpoint == nullptr);
    b.end();
    deliver();
    EXPECT_TRUE(c.endpoint != nullptr);
}

TEST_F(WaitQueueTest, BackendThatGoesDismissesEverybody) {
    a.begin();
    b.begin();
    const EndpointPtr used = a.endpoint;  // as a request holds it
    first.remove(0);
    EXPECT_TRUE(b.gone);
    a.end();
    turn();
}

}  // namespace
}  // namespace evergate::upstream::test
