// SPDX-License-Identifier: Apache-2.0
// The HTTP/2 connections of one worker's ConnectionPool, and what they share: memory for streams
// and for what is read and written in one turn. Outlives them all. One worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/request_fields.hpp"
#include "dataplane/http2/stream_pool.hpp"
#include "dataplane/upstream/http2_connection.hpp"

namespace evergate::upstream {

class ConnectionPool;

class Http2Pool {
public:
    static constexpr std::size_t kReadSize = 64 * 1024;
    static constexpr std::size_t kFlushSize = 64 * 1024;  // one send; what more there is follows it

    explicit Http2Pool(ConnectionPool& connections);
    ~Http2Pool();
    Http2Pool(const Http2Pool&) = delete;
    Http2Pool& operator=(const Http2Pool&) = delete;

    // A stream of a connection that stands; null when none has room.
    std::unique_ptr<Connection> take(EndpointState& endpoint, ConnectionUser& user,
                                     const Security& security);
    // A stream of whatever has room or is on its way, or else of a new connection.
    std::unique_ptr<Connection> connect(EndpointState& endpoint, ConnectionUser& user,
                                        std::error_code& error, const Security& security);

    void closeIdle(EndpointState& endpoint);  // the others end with their last stream
    void closeAllIdle();

    std::uint32_t idle() const noexcept { return idleCount_; }

    // What streams hold, because its receiver did not take it yet.
    std::size_t heldBytes() const noexcept { return held_; }

    // Memory that streams which ended have left for those that begin.
    std::string takeText() noexcept;
    void keepText(std::string text) noexcept;

private:
    friend class Http2Connection;
    using All = boost::intrusive::list<Http2Connection, boost::intrusive::base_hook<AllHttp2Hook>,
                                       boost::intrusive::constant_time_size<false>>;

    // What has room or is on its way, or else a new one; null: that failed.
    Http2Connection* find(EndpointState& endpoint, const Security& security,
                          std::error_code& error);
    void unlink(EndpointState& endpoint, Http2Connection& connection) noexcept;

    ConnectionPool& connections_;
    http2::StreamPool streams_;
    All all_;
    std::uint32_t idleCount_ = 0;
    std::size_t held_ = 0;
    std::unique_ptr<char[]> input_;
    std::unique_ptr<char[]> output_;
    std::vector<std::string> spareTexts_;
    http::RequestHead head_;
    http2::RequestFields fields_;
};

}  // namespace evergate::upstream
