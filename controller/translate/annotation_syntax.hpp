// SPDX-License-Identifier: Apache-2.0
// The values annotations can have, read from text: whole and strictly. Pure; total on any bytes.
//
// Each read() stores what it finds in `out` and gives an empty text, or says what would have been
// right and leaves `out` alone. readNetworks alone also stores when it complains.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/values.hpp"

namespace evergate::controller {

// What is wrong, for people; empty: nothing.
using Complaint = std::string;

// A whole number with its unit: 250ms, 30s, 2m, 1h. A bare number is refused: it means seconds to
// some and milliseconds to others.
Complaint readDuration(std::string_view text, std::chrono::milliseconds& out);

Complaint readCount(std::string_view text, std::uint32_t& out);

// A whole number, with or without '%' behind it.
Complaint readPercent(std::string_view text, std::uint32_t& out);

// true | false
Complaint readFlag(std::string_view text, bool& out);

// Bytes, with k, m or g for powers of 1024.
Complaint readSize(std::string_view text, std::uint64_t& out);

// 200-399, or 204 alone.
Complaint readStatusRange(std::string_view text, std::uint16_t& low, std::uint16_t& high);

// Statuses of 500..599, separated by commas or blanks: 502,503. Sorted, each once.
Complaint readServerErrors(std::string_view text, std::vector<std::uint16_t>& out);

// Networks or addresses, separated by commas, spaces or line ends. Stores the good ones whatever it
// says: the list is for access control, where what is wrong must not let anybody in.
Complaint readNetworks(std::string_view text, std::vector<std::string>& out);

// One "Name: value" per line; names in any case.
Complaint readHeaderFields(std::string_view text, std::vector<model::HeaderField>& out);

// Header names in any case, separated by commas, spaces or line ends.
Complaint readHeaderNames(std::string_view text, std::vector<std::string>& out);

// Words in any case, separated by commas, spaces or line ends; stored in lower case.
Complaint readWords(std::string_view text, std::vector<std::string>& out);

}  // namespace evergate::controller
