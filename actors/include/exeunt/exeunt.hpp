// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The whole library in one include:
///
///     #include <exeunt/exeunt.hpp>
///
/// A file that wants to compile faster includes the headers of what it uses instead, such as
/// <exeunt/runtime/gather.hpp>.

#include <exeunt/actors/actor_function.hpp>
#include <exeunt/actors/actor_options.hpp>
#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/actors/address.hpp>
#include <exeunt/actors/ask.hpp>
#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/actors/ended.hpp>
#include <exeunt/actors/exit_reason.hpp>
#include <exeunt/actors/mailbox.hpp>
#include <exeunt/actors/message.hpp>
#include <exeunt/actors/supervisor.hpp>
#include <exeunt/actors/tell.hpp>
#include <exeunt/actors/version.hpp>
#include <exeunt/io/buffered_reader.hpp>
#include <exeunt/io/byte_stream.hpp>
#include <exeunt/io/endpoint.hpp>
#include <exeunt/io/read_buffer.hpp>
#include <exeunt/io/run_until_signal.hpp>
#include <exeunt/io/serve.hpp>
#include <exeunt/io/serve_options.hpp>
#include <exeunt/io/server.hpp>
#include <exeunt/io/signals.hpp>
#include <exeunt/io/socket.hpp>
#include <exeunt/io/stream_errc.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/for_each.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/options.hpp>
#include <exeunt/runtime/parallel_for_each.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/result.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/stream.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/runtime/task_handle.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/to_thread.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/config.hpp>
