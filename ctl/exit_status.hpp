// SPDX-License-Identifier: Apache-2.0
// What evergatectl says to scripts. docs/evergatectl.md promises these numbers.
#pragma once

namespace evergate::ctl {

inline constexpr int kGood = 0;
inline constexpr int kNo = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kUnreachable = 3;

}  // namespace evergate::ctl
