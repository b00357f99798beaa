// SPDX-License-Identifier: Apache-2.0
// Text in columns. What is not printable is shown as '?': answers hold text from cluster objects,
// and a terminal obeys control characters.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace evergate::ctl {

class Table {
public:
    explicit Table(std::vector<std::string> header);

    void add(std::vector<std::string> row);  // as many cells as the header has

    bool empty() const noexcept { return rows_.size() < 2; }

    void print(std::ostream& out) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace evergate::ctl
