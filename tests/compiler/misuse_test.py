#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Mistakes in the use of the library that do not compile: the first error is a sentence of ours,
which says what is wrong and what to do.

    misuse_test.py ROOT COMPILER [ARGUMENT ...]
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOMS = ('scheduler', 'runtime', 'io', 'actors')

PRELUDE = '''
#include <exeunt/actors/mailbox.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/parallel_for_each.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <memory>
#include <string>
namespace ex = exeunt;
using namespace std::chrono_literals;
struct deposit { explicit deposit(long c) : cents(c) {} long cents; };
struct balance { using reply = long; balance() {} };
struct fragile { std::string text; };
struct throwing {
    throwing() = default;
    throwing(throwing&&) noexcept(false) {}
};
struct alignas(64) wide { wide() {} };
[[maybe_unused]] static ex::task<int> number() { co_return 1; }
'''

TOLD = 'ex::task<> f(ex::address<deposit, balance> a) { %s; }'
RECEIVED = ('''ex::task<> f(ex::mailbox<deposit, balance> inbox) {
    auto on_deposit = [](deposit&) {};
    auto on_balance = [](ex::asked<balance>& b) { b.reply(1); };
    auto waits = [](ex::asked<balance>&) -> ex::task<> { co_return; };
    (void)on_deposit, (void)on_balance, (void)waits;
    auto message = co_await inbox.receive();
    %s;
}''')
TASKS = 'ex::task<> f(ex::task<int> t) { %s; }'
AGGREGATE = 'ex::task<> f(ex::mailbox<fragile> inbox) { co_await inbox.receive(); }'

# what is done: (program, how the sentence begins; None: it compiles)
PROGRAMS = {
    'nothing wrong': (
        RECEIVED % 'message->match(on_deposit, on_balance); co_await inbox.self().tell(deposit(1))',
        None),
    'mailbox of a reference': (
        'ex::task<> f(ex::mailbox<deposit&> inbox) { co_await inbox.receive(); }',
        'A message is an object of its own'),
    'mailbox of what may throw when moved': (
        'ex::task<> f(ex::mailbox<deposit, throwing> inbox) { co_await inbox.receive(); }',
        'A message is moved into the mailbox and must not throw there'),
    'address of what may throw when moved': (
        'ex::task<> f(ex::address<throwing> a) { co_await a.tell(throwing()); }',
        'A message is moved into the mailbox and must not throw there'),
    'mailbox of what is aligned to a cache line': (
        'ex::task<> f(ex::mailbox<wide> inbox) { co_await inbox.receive(); }',
        'A message cannot be aligned to more than 16 bytes'),
    'match without a handler': (
        RECEIVED % 'message->match(on_deposit)', 'match() lacks a handler'),
    'match with a handler of the bare request': (
        RECEIVED % 'message->match(on_deposit, [](balance&) {})', 'match() lacks a handler'),
    'match with two handlers': (
        RECEIVED % 'message->match(on_deposit, on_balance, [](auto&) {})',
        'match() has two handlers or more'),
    'match with one handler that waits': (
        RECEIVED % 'co_await message->match(on_deposit, waits)',
        'The handlers of match() return different types'),
    'tell of a request': (
        TOLD % 'co_await a.tell(balance())', 'This is a request'),
    'tell of a request by name': (
        TOLD % 'balance b; if (auto told = co_await a.tell(b); told.gone()) co_return',
        'This is a request'),
    'try_tell of a request': (
        TOLD % 'if (a.try_tell(balance()).full()) co_return', 'This is a request'),
    'ask of a message': (
        TOLD % 'co_await a.ask(deposit(1))', 'This message has no answer to wait for'),
    'ask of a message with a deadline': (
        TOLD % 'long n = co_await a.ask(deposit(1), 1s); (void)n',
        'This message has no answer to wait for'),
    'gather of a variable': (
        TASKS % 'auto both = co_await ex::gather(t, number()); (void)both',
        'A task is used up when it is awaited'),
    'race of a variable': (
        TASKS % 'int n = co_await ex::race(number(), t); (void)n',
        'A task is used up when it is awaited'),
    'timeout of a variable': (
        TASKS % 'int n = co_await ex::timeout(1s, t); (void)n',
        'A task is used up when it is awaited'),
    'spawn of a task': (
        TASKS % 'auto body = [&](ex::group& g) -> ex::task<> { g.spawn(number()); co_return; };'
                'co_await ex::with_group(body)',
        'spawn takes a function and its arguments'),
    'co_await of a variable': (TASKS % 'co_await std::move(t)', None),
}
# What GCC before 15 refuses, for it would destroy it twice; others take it.
FRAGILE = {
    'mailbox of an aggregate with a destructor': (
        AGGREGATE, 'This compiler (GCC before 15) destroys a temporary aggregate twice'),
    'temporary range that is an aggregate with a destructor': (
        'ex::task<> f() { co_await ex::gather(std::array<ex::task<int>, 1>{number()}); }',
        'This compiler (GCC before 15) destroys a temporary aggregate, such as a std::array'),
    'the same of parallel_for_each': (
        'ex::task<> f(std::string s) { co_await ex::parallel_for_each('
        'std::array<std::string, 1>{s}, 1, [](const std::string&) {}); }',
        'This compiler (GCC before 15) destroys a temporary aggregate, such as a std::array'),
    'temporary callable with a destructor': (
        'ex::task<> f(std::string s) { auto b = ex::with_group([s](ex::group&) -> ex::task<> {'
        'co_return; }); co_await std::move(b); }',
        'This compiler (GCC before 15) destroys a temporary callable twice'),
}


def first_error(compiler, root, program):
    """The text of the compiler's first error, or None when there is none."""
    done = subprocess.run(
        [*compiler, '-std=c++20', '-fsyntax-only', '-x', 'c++', '-',
         *(f'-I{root / room / "include"}' for room in ROOMS)],
        input=PRELUDE + program + '\n', capture_output=True, text=True, timeout=120)
    errors = re.findall(r'\berror: (.*)', done.stderr)
    if done.returncode == 0 or not errors:
        return None if done.returncode == 0 else f'no error was found in: {done.stderr}'
    return errors[0]


def destroys_twice(compiler):
    macros = subprocess.run([*compiler, '-dM', '-E', '-x', 'c++', '/dev/null'],
                            capture_output=True, text=True, check=True).stdout
    return ('__clang__' not in macros and
            int(re.search(r'#define __GNUC__ (\d+)', macros)[1]) < 15)


def main():
    root, compiler = pathlib.Path(sys.argv[1]), [word for word in sys.argv[2:] if word != 'ccache']
    fragile = destroys_twice(compiler)
    programs = PROGRAMS | {title: (program, sentence if fragile else None)
                           for title, (program, sentence) in FRAGILE.items()}
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda each: first_error(compiler, root, each[0]), programs.values())
        for (title, (_, wanted)), error in zip(programs.items(), found):
            # GCC: "static assertion failed: sentence"; Clang puts "due to requirement" before it.
            right = (error is None if wanted is None else
                     error is not None and error.startswith('static assertion failed') and
                     wanted in error)
            failures += not right
            print(f'{"ok" if right else "WRONG":6} {title}: {error}')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
