// SPDX-License-Identifier: Apache-2.0
// What the Kubernetes integration tests share: a sink that keeps what the source says, a rig with
// an event loop, objects, and the scenario that the fake and a real API server must both satisfy.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/kubernetes/api_client.hpp"
#include "controller/kubernetes/kubernetes_source.hpp"

namespace evergate::test {

using namespace std::chrono_literals;
using controller::kubernetes::ApiAnswer;
using controller::kubernetes::ApiClient;
using controller::kubernetes::ApiRequest;
using controller::kubernetes::ClusterConfig;
using nlohmann::json;
using Verb = boost::beast::http::verb;

// Applies everything as a data plane would.
class RecordingSink : public controller::SourceSink {
public:
    void onDesired(controller::Desired desired, controller::EventTime) override {
        ++desiredCalls;
        fewestRoutes = std::min(fewestRoutes, desired.config.count(model::Kind::route));
        last = std::move(desired);
    }

    void onEndpoints(const std::string& backend, model::Endpoints endpoints,
                     controller::EventTime) override {
        ++endpointCalls;
        last.config.put({model::Kind::endpoints, backend}, model::Value(std::move(endpoints)));
    }

    bool hasHost(const std::string& host) const {
        for (const auto& [key, entry] : last.config.entries()) {
            const auto* route = std::get_if<model::Route>(entry.value.get());
            if (route != nullptr && route->host == host) {
                return true;
            }
        }
        return false;
    }

    bool hasEndpoint(const std::string& address) const {
        for (const auto& [key, entry] : last.config.entries()) {
            const auto* set = std::get_if<model::Endpoints>(entry.value.get());
            for (std::size_t i = 0; set != nullptr && i < set->endpoints.size(); ++i) {
                if (set->endpoints[i].address == address) {
                    return true;
                }
            }
        }
        return false;
    }

    controller::Desired last;
    int desiredCalls = 0;
    int endpointCalls = 0;
    std::size_t fewestRoutes = 1'000'000;  // in any Desired so far: shows flapping
};

inline json ingress(const std::string& name, const std::string& host, const std::string& service) {
    auto object = json::parse(R"({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": "shop"},
        "spec": {"ingressClassName": "evergate", "rules": [{"http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"port": {"number": 80}}}}]}}]}})");
    object["metadata"]["name"] = name;
    auto& rule = object["spec"]["rules"][0];
    rule["host"] = host;
    rule["http"]["paths"][0]["backend"]["service"]["name"] = service;
    return object;
}

inline json ingressClass() {
    return json::parse(R"({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "evergate"}, "spec": {"controller": "evergate.io/ingress-controller"}})");
}

inline json service(const std::string& name) {
    auto object = json::parse(R"({"apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "shop"},
        "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})");
    object["metadata"]["name"] = name;
    return object;
}

inline json slice(const std::string& name, const std::string& serviceName,
                  const std::string& address) {
    auto object = json::parse(R"({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "labels": {}}, "addressType": "IPv4",
        "endpoints": [{"addresses": [], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})");
    object["metadata"]["name"] = name;
    object["metadata"]["labels"]["kubernetes.io/service-name"] = serviceName;
    object["endpoints"][0]["addresses"].push_back(address);
    return object;
}

inline const std::string kIngresses = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses";
inline const std::string kClasses = "/apis/networking.k8s.io/v1/ingressclasses";
inline const std::string kServices = "/api/v1/namespaces/shop/services";
inline const std::string kSlices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

// A source, its sink, and a REST client of our own, on one event loop.
class KubeRig {
public:
    ~KubeRig() {
        source.reset();
        if (rest) {
            rest->cancel();
        }
        io.restart();
        io.poll();
    }

    // Quick pauses: what is tested is what happens, not how long it takes.
    static controller::KubernetesOptions options(ClusterConfig cluster) {
        controller::KubernetesOptions options;
        options.cluster = std::move(cluster);
        options.seed = 1;
        options.tuning.retry = {1ms, 5ms, 50ms};
        return options;
    }

    void start(controller::KubernetesOptions options) {
        rest = std::make_unique<ApiClient>(io.get_executor(), *options.cluster);
        source = controller::makeKubernetesSource(io, std::move(options));
        source->start(sink);
    }

    bool runUntil(const std::function<bool()>& condition, std::chrono::seconds limit = 30s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        io.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.run_one_for(20ms);
            io.restart();
        }
        return condition();
    }

    void runFor(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        runUntil([&] { return std::chrono::steady_clock::now() >= end; });
    }

    bool runUntilSynced() {
        return runUntil([this] { return source->status().synced; });
    }

    bool runUntilWatching() {
        return runUntil(
            [this] { return source->status().synced && source->status().state == "watching"; });
    }

    ApiAnswer call(Verb method, const std::string& target, const json& body = nullptr) {
        ApiRequest request;
        request.method = method;
        request.target = target;
        if (!body.is_null()) {
            request.body = body.dump();
            request.contentType =
                method == Verb::patch ? "application/merge-patch+json" : "application/json";
        }
        std::optional<ApiAnswer> answer;
        boost::asio::co_spawn(io, rest->send(std::move(request), {}, {}),
                              [&](std::exception_ptr, ApiAnswer got) { answer = std::move(got); });
        EXPECT_TRUE(runUntil([&] { return answer.has_value(); })) << target;
        return answer.value_or(ApiAnswer{});
    }

    void mustCall(Verb method, const std::string& target, const json& body = nullptr) {
        const auto answer = call(method, target, body);
        EXPECT_TRUE(answer.ok()) << target << ": " << answer.text();
    }

    std::string state() const { return source->status().state; }

    boost::asio::io_context io;
    RecordingSink sink;
    std::unique_ptr<controller::Source> source;
    std::unique_ptr<ApiClient> rest;
};

// Create, patch, delete, by REST; what the source then says. Leaves cart.test with 10.1.0.2 behind.
inline void runObjectScenario(KubeRig& rig) {
    auto& sink = rig.sink;
    rig.call(Verb::post, "/api/v1/namespaces", json::parse(R"({"metadata": {"name": "shop"}})"));
    rig.mustCall(Verb::post, kClasses, ingressClass());
    rig.mustCall(Verb::post, kServices, service("cart"));
    rig.mustCall(Verb::post, kSlices, slice("cart-1", "cart", "10.1.0.1"));
    rig.mustCall(Verb::post, kIngresses, ingress("cart", "cart.test", "cart"));
    ASSERT_TRUE(
        rig.runUntil([&] { return sink.hasHost("cart.test") && sink.hasEndpoint("10.1.0.1"); }));

    // A slice alone takes the endpoint lane.
    const auto desiredBefore = sink.desiredCalls;
    json moved;
    moved["endpoints"] = slice("cart-1", "cart", "10.1.0.2")["endpoints"];
    rig.mustCall(Verb::patch, kSlices + "/cart-1", moved);
    ASSERT_TRUE(rig.runUntil([&] { return sink.hasEndpoint("10.1.0.2"); }));
    EXPECT_FALSE(sink.hasEndpoint("10.1.0.1"));
    EXPECT_EQ(sink.desiredCalls, desiredBefore);
    EXPECT_GE(sink.endpointCalls, 1);

    // A status is nothing to translate: no news.
    rig.mustCall(
        Verb::patch, kIngresses + "/cart/status",
        json::parse(R"({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})"));
    rig.mustCall(Verb::post, kIngresses, ingress("pay", "pay.test", "cart"));
    ASSERT_TRUE(rig.runUntil([&] { return sink.hasHost("pay.test"); }));
    EXPECT_EQ(sink.desiredCalls, desiredBefore + 1);

    json patch;
    patch["spec"]["rules"] = ingress("pay", "till.test", "cart")["spec"]["rules"];
    rig.mustCall(Verb::patch, kIngresses + "/pay", patch);
    ASSERT_TRUE(rig.runUntil([&] { return sink.hasHost("till.test"); }));
    EXPECT_FALSE(sink.hasHost("pay.test"));
    rig.mustCall(Verb::delete_, kIngresses + "/pay");
    ASSERT_TRUE(rig.runUntil([&] { return !sink.hasHost("till.test"); }));
    EXPECT_TRUE(sink.hasHost("cart.test"));
    EXPECT_TRUE(sink.last.problems.empty());
}

}  // namespace evergate::test
