// SPDX-License-Identifier: Apache-2.0
// `evergatectl validate`: a folder of manifests read and translated once, as the directory source
// does.
#pragma once

#include <ostream>
#include <string>

#include "ctl/command_line.hpp"

namespace evergate::ctl {

// The exit status: 0 no problems, 1 problems, 2 the controller would refuse these flags, 3 the
// folder cannot be read.
int validateFolder(const CommandLine& line, std::ostream& out, std::ostream& err);

}  // namespace evergate::ctl
