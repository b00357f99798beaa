// SPDX-License-Identifier: Apache-2.0
// What a receive or send on a non-blocking socket came to.
#pragma once

#include <sys/types.h>

namespace evergate::net {

struct IoResult {
    ssize_t bytes = 0;  // -1: see error
    int error = 0;      // errno

    bool wouldBlock() const noexcept;

    bool eof() const noexcept { return bytes == 0; }  // recv only

    bool failed() const noexcept { return bytes < 0 && !wouldBlock(); }
};

}  // namespace evergate::net
