#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Shows for each rule that it catches what it is there for and lets the right spelling pass."""
import pathlib
import sys
import tempfile

import rules

SPDX = '// SPDX-License-Identifier: BSL-1.0\n'
LONG_FUNCTION = 'void f() {\n' + '    g();\n' * 70 + '}\n'
LONG_BRANCHES = ('class c {\n    void f(int x) {\n' + '        if (x) { g(); }\n' * 70 +
                 '    }\n};\n')

# rule: [(files, number of violations)]
CASES = {
    rules.layering: [
        ({'scheduler/x.cpp': '#include <exeunt/runtime/task.hpp>\n'}, 1),
        ({'io/x.cpp': '#include <exeunt/actors/mailbox.hpp>\n'}, 1),
        ({'io/x.cpp': '#include "../runtime/strand.hpp"\n'}, 1),
        ({'io/include/exeunt/io/x.hpp': '#include "private.hpp"\n'}, 1),
        ({'runtime/x.cpp': '#include <exeunt/exeunt.hpp>\n'}, 1),
        ({'actors/x.cpp': '#include <exeunt/io/tcp.hpp>\n#include "cell.hpp"\n'
                          '#include <map>\n'}, 0),
    ],
    rules.columns: [({'io/x.cpp': '/' * 101}, 1), ({'dev': '#!/bin/bash\n' + '#' * 101}, 1),
                    ({'io/x.cpp': '/' * 100, 'docs/x.md': 'x' * 300}, 0)],
    rules.file_length: [({'io/x.cpp': '\n' * 501}, 1), ({'io/x.cpp': '\n' * 500}, 0)],
    rules.function_length: [
        ({'io/x.cpp': LONG_FUNCTION}, 1),
        ({'io/x.hpp': 'namespace a::b {\n' + LONG_BRANCHES + '}\n'}, 1),
        ({'io/x.hpp': 'template <class T>\n    requires(true)\n' + LONG_FUNCTION}, 1),
        ({'io/x.py': 'def f():\n' + '    g()\n' * 70}, 1),
        ({'io/x.hpp': 'namespace a {\nstruct s {\n' + 'void f() { g(); }\n' * 90 + '};\n}\n'}, 0),
    ],
    rules.todo: [({'io/x.cpp': '// TO' 'DO: this\n'}, 1), ({'a.md': 'FIX' 'ME\n'}, 1),
                 ({'io/x.cpp': '// TO' 'DO(#12): this\n'}, 0)],
    rules.lambda_beside_await: [
        ({'io/x.cpp': 'void f() { co_await g([x] { return x; }); }\n'}, 1),
        ({'io/x.cpp': 'void f() {\n    auto r = co_await g(1, [&](int n) -> int { return n; },\n'
                      '        2);\n}\n'}, 1),
        ({'io/x.cpp': 'void f() { g([x = T()] {}, co_await h()); }\n'}, 1),
        ({'io/x.cpp': 'void f() { while (auto m = co_await g([this] {})) h(); }\n'}, 1),
        ({'io/x.cpp': 'void f() { auto l = [&]() -> task<> { co_await g([x]{}); }; }\n'}, 1),
        ({'io/x.cpp': 'void f() {\n    auto named = [x] { return x; };\n'
                      '    co_await g(std::move(named));\n    co_await g([] { int a[3]; });\n'
                      '    auto l = [&](int n) -> task<> { co_await h(a[n]); };\n'
                      '    if (co_await g()) { auto m = [x] {}; }\n'
                      '    while (auto m = co_await g())\n        m->match([&](int n) { h(n); });\n'
                      '    // co_await g([x] {});\n}\n'}, 0),
    ],
    rules.await_in_condition: [
        ({'io/x.cpp': 'task<> f() { if (co_await g(1)) h(); }\n'}, 1),
        ({'io/x.cpp': 'task<> f() { { int x = 1; h(x); } while (!co_await g() == 2) h(); }\n'}, 1),
        ({'io/x.cpp': 'task<> f(int n) { co_await g(); do h(); while (co_await g()); }\n'}, 1),
        ({'io/x.cpp': 'int x = 1;\nauto l = [&]() -> task<> { if (co_await g()) h(); };\n'}, 1),
        ({'io/x.cpp': 'task<> f() {\n    while (auto m = co_await g()) h();\n'
                      '    if (int n = 1; co_await g(n)) h();\n    for (;;) {\n'
                      '        bool ok = co_await g();\n        if (ok) h();\n'
                      '        if (ok) { while (co_await g()) h(); }\n    }\n}\n'}, 0),
        ({'io/x.cpp': 'task<> f() { for (auto& x : all) { if (co_await g(x)) h(); } }\n'}, 0),
    ],
    rules.atomic_comment: [
        ({'io/x.cpp': 'void f() {\n    a();\n    b();\n'
                      '    x.store(1, std::memory_order_release);\n}\n'}, 1),
        ({'io/x.cpp': 'void f() {\n\n\n    x.fetch_add(1);\n}\n'}, 1),
        ({'io/x.cpp': 'void f() {\n\n\n    return x.load();\n}\n'}, 1),
        ({'io/x.cpp': 'void f() {\n    // release: pairs with g()\n'
                      '    x.store(1, std::memory_order_release);\n'
                      '    y.load(std::memory_order_relaxed);\n'
                      '    z.load(std::memory_order_acquire);  // pairs with h()\n}\n'}, 0),
    ],
    rules.licence_line: [({'io/x.cpp': 'int x;\n'}, 1), ({'dev': '#!/bin/bash\nset -e\n'}, 1),
                         ({'io/x.cpp': SPDX, 'dev': '#!/bin/bash\n#' + SPDX[2:]}, 0)],
    rules.names: [({'io/util.hpp': SPDX}, 1), ({'io/detail/cell.hpp': SPDX}, 1),
                  ({'io/TcpStream.hpp': SPDX}, 1), ({'io/tcp_stream.hpp': SPDX}, 0)],
    rules.machine_paths: [({'a.md': 'see /' 'home/me/x\n'}, 1),
                          ({'a.md': 'see docs/home/x and <https://a.b/home/x>\n'}, 0)],
    rules.links: [
        ({'a.md': '[x](nowhere.md)\n'}, 1), ({'a.md': '# One thing\n[x](#another)\n'}, 1),
        ({'a.md': '# One `thing`\n[x](#one-thing) [y](docs/b.md#two) [z](https://a.b)\n',
          'docs/b.md': '## Two\n[up](../a.md)\n```cpp\nauto l = [x](y);\n```\n'}, 0),
    ],
    rules.snippets: [
        ({'a.md': '<!-- from: x.cpp#one -->\n```cpp\nint y;\n```\n',
          'x.cpp': '// [one]\nint x;\n// [/one]\n'}, 1),
        ({'a.md': '<!-- from: x.cpp#two -->\n```cpp\nint x;\n```\n',
          'x.cpp': '// [one]\nint x;\n// [/one]\n'}, 1),
        ({'a.md': '<!-- from: x.cpp -->\n```cpp\nint y;\n```\n', 'x.cpp': SPDX + 'int x;\n'}, 1),
        ({'a.md': '<!-- from: x.cpp -->\n```cpp\nint x;\n```\n', 'x.cpp': SPDX + 'int x;\n'}, 0),
        ({'a.md': '<!-- from: x.cpp#one -->\nint x;\n',
          'x.cpp': '// [one]\nint x;\n// [/one]\n'}, 1),
        ({'a.md': '<!-- from: x.cpp#one -->\n```cpp\nint x;\n    int y;\n```\n',
          'x.cpp': '    // [one]\n    int x;\n        int y;\n    // [/one]\n'}, 0),
    ],
    rules.unquoted: [
        ({'README.md': 'x\n```cpp\nint x;\n```\n', 'docs/guide/a.md': '```cpp\n```\n'}, 2),
        ({'README.md': '<!-- from: x.cpp -->\n```cpp\nint x;\n```\n```sh\nls\n```\n',
          'docs/internals/a.md': '```cpp\nint x;\n```\n'}, 0),
    ],
    rules.header_index: [
        ({'io/include/exeunt/io/x.hpp': SPDX, 'docs/guide/README.md': '# The guide\n'}, 1),
        ({'io/include/exeunt/io/x.hpp': SPDX}, 1),
        ({'io/include/exeunt/io/x.hpp': SPDX, 'docs/guide/README.md':
          '| `io/x.hpp` | x |\n| `io/x.hpp` | x |\n| `io/y.hpp` | y |\n'}, 2),
        ({'io/include/exeunt/io/x.hpp': SPDX, 'io/private.hpp': SPDX,
          'actors/include/exeunt/exeunt.hpp': SPDX,
          'docs/guide/README.md': '| header |\n|---|\n| `io/x.hpp` | what it gives |\n'}, 0),
    ],
    rules.dead_files: [
        ({'io/x.cpp': SPDX, 'io/meson.build': "files('y.cpp')\n"}, 1),
        ({'io/include/exeunt/io/x.hpp': SPDX, 'io/x.hpp': SPDX}, 2),
        ({'io/x.cpp': '#include "x.hpp"\n#include <exeunt/io/x.hpp>\n', 'io/x.hpp': SPDX,
          'io/meson.build': "files('x.cpp')\n", 'io/include/exeunt/io/x.hpp': SPDX}, 0),
    ],
}


def violations(rule, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        return list(rule(rules.Tree(folder)))


def main():
    failed = [f'{rule.__name__} has no case' for rule in rules.RULES if rule not in CASES]
    for rule, cases in CASES.items():
        for files, wanted in cases:
            found = violations(rule, files)
            if len(found) != wanted:
                failed.append(f'{rule.__name__}: {wanted} expected, found {found} in\n{files}')
    print('\n'.join(failed) or f'{len(CASES)} rules hold their cases')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
