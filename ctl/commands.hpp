// SPDX-License-Identifier: Apache-2.0
// Runs one command of evergatectl.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "ctl/command_line.hpp"

namespace evergate::ctl {

// `arguments` without the program's name. The exit status (exit_status.hpp).
int run(const std::vector<std::string>& arguments, const Environment& environment,
        std::ostream& out, std::ostream& err);

}  // namespace evergate::ctl
