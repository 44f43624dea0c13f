// SPDX-License-Identifier: BSL-1.0

// The replies of every command, as Redis 7.0 gives them, with one shard and with several.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "docs/examples/kv/batch.hpp"
#include "docs/examples/kv/resp.hpp"

namespace {

using kv::instant;

/// A service without threads, sockets or a clock.
class service {
 public:
    explicit service(std::size_t shards = 3)
        : stores_(shards), served_(shards), session_(facts_), batch_(shards, session_) {}

    /// Everything the service replies to these bytes.
    std::string answer(std::string_view request) {
        input_.assign(request);
        std::span<char> unread(input_);
        kv::request_parser parser;
        while (!session_.closing) {
            const kv::progress found = parser.next(unread, batch_.arguments());
            if (found == kv::progress::more) break;
            if (found == kv::progress::broken) {
                batch_.fail(parser.error());
                break;
            }
            if (found == kv::progress::command) batch_.add();
            unread = unread.subspan(parser.consumed());
        }
        for (const std::size_t shard : batch_.touched())
            batch_.at(shard).serve(stores_[shard], now, served_[shard]);
        const std::string replies(batch_.replies());
        batch_.clear();
        return replies;
    }
    std::string ask(std::string_view line) { return answer(std::string(line) + "\r\n"); }
    [[nodiscard]] bool closing() const { return session_.closing; }

    instant now = 1'000'000;

 private:
    std::vector<kv::store> stores_;
    std::vector<std::int64_t> served_;
    kv::service_facts facts_;
    kv::session session_;
    kv::batch batch_;
    std::string input_;
};

class kv_commands : public testing::TestWithParam<std::size_t> {
 protected:
    service kv{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(shards, kv_commands, testing::Values(1, 2, 7));

TEST_P(kv_commands, ping_and_echo) {
    EXPECT_EQ(kv.ask("PING"), "+PONG\r\n");
    EXPECT_EQ(kv.ask("pInG hello"), "$5\r\nhello\r\n");
    EXPECT_EQ(kv.ask("PING a b"), "-ERR wrong number of arguments for 'ping' command\r\n");
    EXPECT_EQ(kv.ask("ECHO hello"), "$5\r\nhello\r\n");
    EXPECT_EQ(kv.ask("ECHO"), "-ERR wrong number of arguments for 'echo' command\r\n");
}

TEST_P(kv_commands, get_and_set) {
    EXPECT_EQ(kv.ask("GET a"), "$-1\r\n");
    EXPECT_EQ(kv.ask("SET a 1"), "+OK\r\n");
    EXPECT_EQ(kv.ask("GET a"), "$1\r\n1\r\n");
    EXPECT_EQ(kv.ask("SET a 2 NX"), "$-1\r\n");
    EXPECT_EQ(kv.ask("SET a 2 xx"), "+OK\r\n");
    EXPECT_EQ(kv.ask("SET b 2 XX"), "$-1\r\n");
    EXPECT_EQ(kv.ask("SET b 3 NX"), "+OK\r\n");
    EXPECT_EQ(kv.ask("SET b 4 GET"), "$1\r\n3\r\n");
    EXPECT_EQ(kv.ask("SET b 5 NX GET"), "$1\r\n4\r\n");
    EXPECT_EQ(kv.ask("SET c 5 NX GET"), "$-1\r\n");
    EXPECT_EQ(kv.ask("MGET a b c d"), "*4\r\n$1\r\n2\r\n$1\r\n4\r\n$1\r\n5\r\n$-1\r\n");
    EXPECT_EQ(kv.ask("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_EQ(kv.ask("SET a"), "-ERR wrong number of arguments for 'set' command\r\n");
}

TEST_P(kv_commands, set_refuses_what_redis_refuses) {
    for (const char* line : {"SET a 1 NX XX", "SET a 1 EX", "SET a 1 EX 1 PX 1", "SET a 1 bogus",
                             "SET a 1 KEEPTTL EX 1", "SET a 1 EX 1 KEEPTTL", "SET a 1 2"})
        EXPECT_EQ(kv.ask(line), "-ERR syntax error\r\n") << line;
    for (const char* line : {"SET a 1 EX x", "SET a 1 PX 1.5", "SET a 1 EX 01", "SET a 1 EX ''"})
        EXPECT_EQ(kv.ask(line), "-ERR value is not an integer or out of range\r\n") << line;
    for (const char* line : {"SET a 1 EX 0", "SET a 1 PX -1", "SET a 1 EX 9223372036854775807",
                             "SET a 1 PX 9223372036854775807"})
        EXPECT_EQ(kv.ask(line), "-ERR invalid expire time in 'set' command\r\n") << line;
    EXPECT_EQ(kv.ask("GET a"), "$-1\r\n");
}

TEST_P(kv_commands, expiry) {
    EXPECT_EQ(kv.ask("SET a 1 EX 10"), "+OK\r\n");
    EXPECT_EQ(kv.ask("TTL a"), ":10\r\n");
    EXPECT_EQ(kv.ask("PTTL a"), ":10000\r\n");
    kv.now += 9'600;
    EXPECT_EQ(kv.ask("TTL a"), ":0\r\n");
    EXPECT_EQ(kv.ask("PTTL a"), ":400\r\n");
    kv.now += 400;
    EXPECT_EQ(kv.ask("GET a"), "$-1\r\n");
    EXPECT_EQ(kv.ask("TTL a"), ":-2\r\n");
    kv.ask("SET a 1 PX 1500");
    EXPECT_EQ(kv.ask("TTL a"), ":2\r\n");
    kv.ask("SET a 2 KEEPTTL");
    EXPECT_EQ(kv.ask("PTTL a"), ":1500\r\n");
    kv.ask("INCR a");
    EXPECT_EQ(kv.ask("PTTL a"), ":1500\r\n");
    EXPECT_EQ(kv.ask("PERSIST a"), ":1\r\n");
    EXPECT_EQ(kv.ask("PERSIST a"), ":0\r\n");
    EXPECT_EQ(kv.ask("PERSIST missing"), ":0\r\n");
    EXPECT_EQ(kv.ask("TTL a"), ":-1\r\n");
    kv.ask("SET a 3 PX 10");
    kv.ask("SET a 4");
    EXPECT_EQ(kv.ask("TTL a"), ":-1\r\n");
}

TEST_P(kv_commands, expire) {
    EXPECT_EQ(kv.ask("EXPIRE a 10"), ":0\r\n");
    kv.ask("SET a 1");
    EXPECT_EQ(kv.ask("EXPIRE a 10"), ":1\r\n");
    EXPECT_EQ(kv.ask("TTL a"), ":10\r\n");
    EXPECT_EQ(kv.ask("PEXPIRE a 2500"), ":1\r\n");
    EXPECT_EQ(kv.ask("PTTL a"), ":2500\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 100 NX"), ":0\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 100 XX"), ":1\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 50 GT"), ":0\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 50 LT"), ":1\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 60 XX GT"), ":1\r\n");
    kv.ask("PERSIST a");
    EXPECT_EQ(kv.ask("EXPIRE a 50 GT"), ":0\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 50 LT"), ":1\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a -1"), ":1\r\n");
    EXPECT_EQ(kv.ask("EXISTS a"), ":0\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a x"), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 10 bogus"), "-ERR Unsupported option bogus\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 10 NX XX"),
              "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 10 GT LT"),
              "-ERR GT and LT options at the same time are not compatible\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a 9223372036854775807"),
              "-ERR invalid expire time in 'expire' command\r\n");
    EXPECT_EQ(kv.ask("PEXPIRE a 9223372036854775807"),
              "-ERR invalid expire time in 'pexpire' command\r\n");
    EXPECT_EQ(kv.ask("EXPIRE a -9223372036854775808"),
              "-ERR invalid expire time in 'expire' command\r\n");
}

TEST_P(kv_commands, counting) {
    EXPECT_EQ(kv.ask("INCR n"), ":1\r\n");
    EXPECT_EQ(kv.ask("INCR n"), ":2\r\n");
    EXPECT_EQ(kv.ask("DECR n"), ":1\r\n");
    EXPECT_EQ(kv.ask("INCRBY n 41"), ":42\r\n");
    EXPECT_EQ(kv.ask("DECRBY n -8"), ":50\r\n");
    EXPECT_EQ(kv.ask("GET n"), "$2\r\n50\r\n");
    EXPECT_EQ(kv.ask("INCRBY n 1x"), "-ERR value is not an integer or out of range\r\n");
    kv.ask("SET n 9223372036854775807");
    EXPECT_EQ(kv.ask("INCR n"), "-ERR increment or decrement would overflow\r\n");
    EXPECT_EQ(kv.ask("DECR n"), ":9223372036854775806\r\n");
    kv.ask("SET n -9223372036854775808");
    EXPECT_EQ(kv.ask("DECR n"), "-ERR increment or decrement would overflow\r\n");
    EXPECT_EQ(kv.ask("DECRBY n -9223372036854775808"), "-ERR decrement would overflow\r\n");
    for (const char* value : {"abc", "''", "1.5", "' 1'", "01", "9223372036854775808"}) {
        kv.ask(std::string("SET n ") + value);
        EXPECT_EQ(kv.ask("INCR n"), "-ERR value is not an integer or out of range\r\n") << value;
    }
}

TEST_P(kv_commands, commands_of_many_keys) {
    EXPECT_EQ(kv.ask("MSET a 1 b 2 c 3 d 4 e 5 f 6"), "+OK\r\n");
    EXPECT_EQ(kv.ask("MGET f e x d c b a f"),
              "*8\r\n$1\r\n6\r\n$1\r\n5\r\n$-1\r\n$1\r\n4\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n1\r\n"
              "$1\r\n6\r\n");
    EXPECT_EQ(kv.ask("EXISTS a b x a"), ":3\r\n");
    EXPECT_EQ(kv.ask("DBSIZE"), ":6\r\n");
    EXPECT_EQ(kv.ask("DEL a b x a"), ":2\r\n");
    EXPECT_EQ(kv.ask("UNLINK c"), ":1\r\n");
    EXPECT_EQ(kv.ask("DBSIZE"), ":3\r\n");
    EXPECT_EQ(kv.ask("MSET k old k new"), "+OK\r\n");
    EXPECT_EQ(kv.ask("GET k"), "$3\r\nnew\r\n");
    EXPECT_EQ(kv.ask("FLUSHALL"), "+OK\r\n");
    EXPECT_EQ(kv.ask("DBSIZE"), ":0\r\n");
    EXPECT_EQ(kv.ask("FLUSHALL async"), "+OK\r\n");
    EXPECT_EQ(kv.ask("FLUSHDB SYNC"), "+OK\r\n");
    EXPECT_EQ(kv.ask("FLUSHALL bogus"), "-ERR syntax error\r\n");
    EXPECT_EQ(kv.ask("FLUSHALL sync async"), "-ERR syntax error\r\n");
    EXPECT_EQ(kv.ask("MSET a"), "-ERR wrong number of arguments for 'mset' command\r\n");
    EXPECT_EQ(kv.ask("MSET a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
    EXPECT_EQ(kv.ask("MGET"), "-ERR wrong number of arguments for 'mget' command\r\n");
    EXPECT_EQ(kv.ask("DEL"), "-ERR wrong number of arguments for 'del' command\r\n");
    EXPECT_EQ(kv.ask("DBSIZE x"), "-ERR wrong number of arguments for 'dbsize' command\r\n");
}

TEST_P(kv_commands, replies_keep_the_order_of_the_requests) {
    std::string request;
    std::string expected;
    for (int i = 0; i < 500; ++i) {
        const std::string n = std::to_string(i);
        request += "SET k" + n + " " + n + "\r\nPING " + n + "\r\nMGET k" + n + " none\r\nGET k" +
                   n + "\r\nbogus\r\nDBSIZE\r\n";
        const std::string bulk = "$" + std::to_string(n.size()) + "\r\n" + n + "\r\n";
        expected += "+OK\r\n" + bulk + "*2\r\n" + bulk + "$-1\r\n" + bulk +
                    "-ERR unknown command 'bogus', with args beginning with: \r\n:" +
                    std::to_string(i + 1) + "\r\n";
    }
    EXPECT_EQ(kv.answer(request), expected);
    EXPECT_EQ(kv.ask("GET k7"), "$1\r\n7\r\n");
}

TEST_P(kv_commands, unknown_commands) {
    EXPECT_EQ(kv.ask("foo"), "-ERR unknown command 'foo', with args beginning with: \r\n");
    EXPECT_EQ(kv.ask("Foo bar 'b z'"),
              "-ERR unknown command 'Foo', with args beginning with: 'bar' 'b z' \r\n");
    EXPECT_EQ(kv.ask("\"\" x"), "-ERR unknown command '', with args beginning with: 'x' \r\n");
    EXPECT_EQ(kv.ask("\"a\\r\\nb\""),
              "-ERR unknown command 'a  b', with args beginning with: \r\n");
    EXPECT_EQ(kv.ask("'get ' a"),
              "-ERR unknown command 'get ', with args beginning with: 'a' \r\n");
    EXPECT_EQ(kv.ask("flushallx"),
              "-ERR unknown command 'flushallx', with args beginning with: \r\n");
    const std::string long_word(200, 'x');
    EXPECT_EQ(kv.ask(long_word + " " + long_word + " y"),
              "-ERR unknown command '" + std::string(128, 'x') + "', with args beginning with: '" +
                  std::string(128, 'x') + "' \r\n");
}

TEST_P(kv_commands, config_and_select) {
    EXPECT_EQ(kv.ask("CONFIG GET save"), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    EXPECT_EQ(kv.ask("config get appendonly"), "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
    EXPECT_EQ(kv.ask("CONFIG GET bogus"), "*0\r\n");
    EXPECT_EQ(kv.ask("CONFIG"), "-ERR wrong number of arguments for 'config' command\r\n");
    EXPECT_EQ(kv.ask("CONFIG GET"), "-ERR wrong number of arguments for 'config|get' command\r\n");
    EXPECT_EQ(kv.ask("CONFIG bogus"), "-ERR unknown subcommand 'bogus'. Try CONFIG HELP.\r\n");
    EXPECT_EQ(kv.ask("SELECT 0"), "+OK\r\n");
    EXPECT_EQ(kv.ask("SELECT 16"), "-ERR DB index is out of range\r\n");
    EXPECT_EQ(kv.ask("SELECT 3000000000"),
              "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
    EXPECT_EQ(kv.ask("SELECT x"), "-ERR value is not an integer or out of range\r\n");
}

TEST_P(kv_commands, command) {
    const std::string count = kv.ask("COMMAND COUNT");
    EXPECT_EQ(count, ":" + std::to_string(kv::all_commands().size()) + "\r\n");
    EXPECT_EQ(kv.ask("COMMAND").substr(0, count.size()), "*" + count.substr(1));
    EXPECT_EQ(kv.ask("COMMAND INFO get bogus"),
              "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
              "*0\r\n*0\r\n*0\r\n*0\r\n*-1\r\n");
    EXPECT_EQ(kv.ask("COMMAND DOCS"), "*0\r\n");
    EXPECT_EQ(kv.ask("COMMAND bogus"), "-ERR unknown subcommand 'bogus'. Try COMMAND HELP.\r\n");
    for (const kv::command& each : kv::all_commands())
        EXPECT_EQ(kv::find_command(each.name), &each) << each.name;
}

TEST_P(kv_commands, info) {
    kv.ask("MSET a 1 b 2 c 3");
    kv.ask("SET d 4 EX 10");
    const std::string all = kv.ask("INFO");
    EXPECT_EQ(all.front(), '$');
    EXPECT_NE(all.find("redis_version:"), std::string::npos);
    EXPECT_NE(all.find("db0:keys=4,expires=1,avg_ttl=0\r\n"), std::string::npos) << all;
    EXPECT_EQ(kv.ask("INFO keyspace"),
              "$44\r\n# Keyspace\r\ndb0:keys=4,expires=1,avg_ttl=0\r\n\r\n");
    EXPECT_EQ(kv.ask("INFO bogus"), "$0\r\n\r\n");
}

TEST_P(kv_commands, quit_answers_and_reads_no_more) {
    EXPECT_EQ(kv.answer("SET a 1\r\nQUIT\r\nSET a 2\r\n"), "+OK\r\n+OK\r\n");
    EXPECT_TRUE(kv.closing());
}

TEST_P(kv_commands, protocol_errors_come_behind_what_was_asked_before) {
    EXPECT_EQ(kv.answer("SET a 1\r\nGET a\r\n*x\r\nGET a\r\n"),
              "+OK\r\n$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT_TRUE(kv.closing());
}

}  // namespace
