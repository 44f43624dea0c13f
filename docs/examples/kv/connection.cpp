// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include <chrono>
#include <system_error>

#include "receive_buffer.hpp"

namespace kv {

namespace ex = exeunt;
using namespace std::chrono_literals;

namespace {

/// Plans the commands that have arrived completely. Returns false when all of them are planned,
/// true when the batch is full before that.
bool plan(request_parser& parser, receive_buffer& received, batch& work, const session& with) {
    while (!with.closing) {
        if (work.full()) return true;
        switch (parser.next(received.unread(), work.arguments())) {
            case progress::command:
                work.add();
                received.consume(parser.consumed());
                break;
            case progress::nothing:
                received.consume(parser.consumed());
                break;
            case progress::more:
                return false;
            case progress::broken:
                work.fail(parser.error());
                return false;
        }
    }
    return false;
}

/// Reads until the client has closed. To close while bytes of its are unread would reset the
/// connection, and the client might lose the last reply.
ex::task<> see_off(ex::tcp_stream& peer) {
    std::error_code gone;
    peer.shutdown_write(gone);
    std::array<std::byte, 1024> ignored;
    while (!gone && co_await peer.read_some(ignored, gone) > 0) {
    }
}

}  // namespace

ex::task<> converse(ex::tcp_stream peer, const service& keys) {
    session with(keys.facts);
    batch work(keys.shards.size(), with);
    request_parser parser(keys.most);
    receive_buffer received;
    std::error_code gone;  // a client that goes away is no error of ours
    while (const std::size_t bytes = co_await peer.read_some(received.space(), gone)) {
        received.grow_by(bytes);
        for (bool more = true; more;) {
            more = plan(parser, received, work, with);
            if (work.empty()) break;
            co_await serve_batch(keys.shards, work);
            co_await peer.write_all(work.replies(), gone);
            if (gone) co_return;
            work.clear();
        }
        if (with.closing) break;
    }
    if (with.closing) co_await ex::move_on_after(1s, see_off(peer));
}

}  // namespace kv
