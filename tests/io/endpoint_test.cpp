// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/endpoint.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace exeunt {
namespace {

TEST(endpoint, version_4) {
    const endpoint e("127.0.0.1", 7007);
    EXPECT_FALSE(e.is_v6());
    EXPECT_EQ(e.port(), 7007);
    EXPECT_EQ(e.address(), "127.0.0.1");
    EXPECT_EQ(e.to_string(), "127.0.0.1:7007");
    EXPECT_EQ(e, endpoint::parse(e.to_string()));
    EXPECT_EQ(endpoint().to_string(), "0.0.0.0:0");
    EXPECT_EQ(endpoint::any_v4(80).to_string(), "0.0.0.0:80");
}

TEST(endpoint, version_6) {
    const endpoint e("::1", 80);
    EXPECT_TRUE(e.is_v6());
    EXPECT_EQ(e.port(), 80);
    EXPECT_EQ(e.to_string(), "[::1]:80");
    EXPECT_EQ(e, endpoint::parse("[::1]:80"));
    EXPECT_NE(e, endpoint("::2", 80));
    EXPECT_NE(e, endpoint("::1", 81));
    EXPECT_NE(e, endpoint("127.0.0.1", 80));
    EXPECT_EQ(endpoint::any_v6(1).to_string(), "[::]:1");
    EXPECT_EQ(endpoint("fe80::1%3", 9).address(), "fe80::1%3");
    EXPECT_EQ(endpoint("fe80::1%lo", 9).address(), "fe80::1%1");
}

TEST(endpoint, port_can_be_changed) {
    endpoint e("::1", 80);
    e.set_port(8080);
    EXPECT_EQ(e.to_string(), "[::1]:8080");
}

TEST(endpoint, errors_name_the_text) {
    for (const char* text : {"", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                             "127.0.0.1:-1", "127.0.0.1:80x", "::1:80", "[::1]", "1.2.3:80",
                             "[127.0.0.1:80", "fe80::1%nosuch:80", "127.0.0.1%lo:80"}) {
        try {
            static_cast<void>(endpoint::parse(text));
            ADD_FAILURE() << text << " was accepted";
        } catch (const std::invalid_argument& error) {
            EXPECT_NE(std::string(error.what()).find("endpoint '"), std::string::npos);
        }
    }
    EXPECT_THROW(endpoint("example.com", 80), std::invalid_argument);
}

TEST(unix_endpoint, paths) {
    EXPECT_EQ(unix_endpoint("/run/x.sock").path(), "/run/x.sock");
    EXPECT_EQ(unix_endpoint("@abstract").path(), "@abstract");
    EXPECT_EQ(unix_endpoint().path(), "");
    EXPECT_EQ(unix_endpoint(std::string(107, 'p')).path(), std::string(107, 'p'));
    EXPECT_THROW(unix_endpoint(std::string(108, 'p')), std::invalid_argument);
    EXPECT_THROW(unix_endpoint(""), std::invalid_argument);
    EXPECT_THROW(unix_endpoint(std::string_view("a\0b", 3)), std::invalid_argument);
}

}  // namespace
}  // namespace exeunt
