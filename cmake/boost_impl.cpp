// SPDX-License-Identifier: Apache-2.0
// The non-template parts of Asio and Beast, compiled here once instead of in every file.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
