#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Programs that GCC 12 does not compile, dies of, or makes endless: one compiler call each, because
they cannot stand in a test program with others.

    refused_test.py COMPILER [ARGUMENT ...]

A compiler that is not recorded here is only described; its lines then want to be written down.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

PRELUDE = '''
#include "minimal.hpp"
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <vector>
using conformance::counted;
using conformance::gate;
using conformance::job;
struct plain { int v; explicit plain(int x) : v(x) {} ~plain() {} };
struct pinned {
    pinned() = default;
    pinned(const pinned&) = delete;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};
[[maybe_unused]] static pinned* pinned_one() { static pinned one; return &one; }
[[maybe_unused]] static job sum(std::initializer_list<int> all) {
    int total = 0;
    for (int one : all) total += one;
    co_return total;
}
[[maybe_unused]] static int first(std::vector<plain> all, int) { return all.front().v; }
job tried([[maybe_unused]] gate& door) {
'''

POSTLUDE = '''
}
int main() {
    gate door;
    door.open();
    auto whole = tried(door);
    whole.start();
    if (!whole.done() || counted::alive() != 0) return 1;
    return whole.value() == EXPECTED ? 0 : 2;
}
'''

# name: (body, the right value, what GCC 12 makes of it)
PROGRAMS = {
    'the plainest coroutine': ('co_return co_await door;', 1, 'right'),
    'vector from a braced list of awaits': (
        'std::vector<int> all{co_await door, co_await door}; co_return all[1];', 1, 'error'),
    'initializer_list as an argument': ('co_return co_await sum({1, 2, 3});', 6, 'error'),
    'array from a braced list with an await': (
        'counted all[]{counted(1), counted(co_await door)}; co_return all[1].value();', 1,
        'wrong'),
    'braced list beside an await': ('co_return first({plain(3)}, co_await door);', 3, 'error'),
    'temporary && await': ('bool both = plain(1).v && co_await door; co_return both;', 1, 'crash'),
    'temporary || await': ('bool any = plain(0).v || co_await door; co_return any;', 1, 'crash'),
    'temporary ? await : value': ('int it = plain(1).v ? co_await door : 2; co_return it;', 1,
                                  'crash'),
    'if (await && temporary)': ('if (co_await door && plain(2).v) co_return 1; co_return 2;', 1,
                                'wrong'),
    # GCC bug 106188: the condition's variable is put before the frame's first word where the body
    # declares no variable at its outermost level; the handle is then off by as much.
    'if (await), no variable in the body': (
        'if (co_await door) co_return 1; co_return 2;', 1, 'wrong before 12.3'),
    'while (await), no variable in the body': (
        'while (!co_await door) co_return 2; co_return 1;', 1, 'wrong before 12.3'),
    'switch (await), no variable in the body': (
        'switch (co_await door) { default: co_return 1; }', 1, 'wrong before 12.3'),
    'if (await) beside a variable': (
        'int one = 1; if (co_await door) co_return one; co_return 2;', 1, 'right'),
    'if (variable = await)': (
        'if (int it = co_await door) co_return it; co_return 2;', 1, 'right'),
    'await of a pinned awaiter through a pointer': (
        'co_return co_await *pinned_one();', 1, 'error'),
}


def outcome(compiler, body, value, folder):
    """right, wrong (ends badly or never), error (is refused) or crash (of the compiler)."""
    source, program = folder / 'tried.cpp', folder / 'tried'
    source.write_text(PRELUDE + body + POSTLUDE.replace('EXPECTED', str(value)))
    compiled = subprocess.run(
        [*compiler, '-std=c++20', '-O0', f'-I{HERE}', str(source), '-o', str(program)],
        capture_output=True, text=True, timeout=120)
    if compiled.returncode != 0:
        crashed = re.search(r'internal compiler error|PLEASE submit a bug', compiled.stderr)
        return 'crash' if crashed else 'error'
    try:
        ran = subprocess.run([str(program)], capture_output=True, timeout=5)
    except subprocess.TimeoutExpired:
        return 'wrong'
    return 'right' if ran.returncode == 0 else 'wrong'


def identity(compiler):
    """('gcc', (12, 2)) or the like."""
    macros = subprocess.run([*compiler, '-dM', '-E', '-x', 'c++', '/dev/null'],
                            capture_output=True, text=True, check=True).stdout
    clang = '__clang__' in macros
    names = ('__clang_major__', '__clang_minor__') if clang else ('__GNUC__', '__GNUC_MINOR__')
    version = tuple(int(re.search(rf'#define {name} (\d+)', macros)[1]) for name in names)
    return 'clang' if clang else 'gcc', version


def expected(name, version, on_gcc_12):
    if name == 'clang':
        return 'right'
    if on_gcc_12 == 'wrong before 12.3':
        return 'wrong' if version < (12, 3) else 'right'
    return on_gcc_12 if version[0] == 12 else None


def main():
    compiler = sys.argv[1:]
    name, version = identity(compiler)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for title, (body, value, on_gcc_12) in PROGRAMS.items():
            found = outcome(compiler, body, value, pathlib.Path(folder))
            wanted = expected(name, version, on_gcc_12)
            mark = 'not recorded' if wanted is None else 'ok' if found == wanted else 'CHANGED'
            failures += mark == 'CHANGED'
            print(f'{mark:12} {name} {version[0]}.{version[1]}: {title}: {found}')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
