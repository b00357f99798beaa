// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstring>

#include "dataplane/http/compose.hpp"

namespace evergate::http {

namespace {

void writeTwo(char* at, unsigned value) noexcept {
    at[0] = static_cast<char>('0' + value / 10);
    at[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

void writeHttpDate(std::int64_t unixSeconds, char (&out)[30]) noexcept {
    namespace chrono = std::chrono;
    static constexpr char kDays[] = "SunMonTueWedThuFriSat";
    static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const chrono::sys_seconds time{chrono::seconds{unixSeconds}};
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date{day};
    const auto second = static_cast<unsigned>((time - day).count());
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    std::memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", 30);
    std::memcpy(out, kDays + 3 * chrono::weekday{day}.c_encoding(), 3);
    writeTwo(out + 5, static_cast<unsigned>(date.day()));
    std::memcpy(out + 8, kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
    writeTwo(out + 12, year / 100 % 100);
    writeTwo(out + 14, year % 100);
    writeTwo(out + 17, second / 3600);
    writeTwo(out + 20, second / 60 % 60);
    writeTwo(out + 23, second % 60);
}

}  // namespace evergate::http
