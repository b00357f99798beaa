// SPDX-License-Identifier: Apache-2.0
// GET from whichever master answers: in order, beginning with the one that answered last, each
// under its own deadlines.
//
// Belongs to the controller's thread; one request at a time. cancel() may be called at any moment.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "controller/client/http_client.hpp"
#include "controller/marathon/masters.hpp"

namespace evergate::controller::marathon {

struct MasterAnswer {
    unsigned status = 0;  // 200, 404, or what the last master said; 0: no answer from any
    std::string body;     // whole, of a 200
    std::string error;    // for people; empty when status is 200 or 404
};

class MasterClient {
public:
    MasterClient(boost::asio::any_io_executor executor, Masters masters,
                 client::HttpDeadlines deadlines);

    boost::asio::awaitable<MasterAnswer> get(std::string target);
    void cancel();

private:
    boost::asio::awaitable<MasterAnswer> ask(client::HttpClient& client, std::string target,
                                             bool showPassword, bool mayFollow);

    boost::asio::any_io_executor executor_;
    Masters masters_;
    client::HttpDeadlines deadlines_;
    std::vector<std::unique_ptr<client::HttpClient>> clients_;  // one per master
    client::HttpClient* active_ = nullptr;
    std::size_t good_ = 0;
    bool cancelled_ = false;
};

}  // namespace evergate::controller::marathon
