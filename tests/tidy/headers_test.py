#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Each public header compiles alone, seeing only its own room and lower ones:
headers_test.py ROOT COMPILER [ARGUMENT ...]"""
import concurrent.futures
import pathlib
import subprocess
import sys

from rules import ROOMS

FLAGS = ('-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion',
         '-Wshadow', '-Wold-style-cast', '-Werror', '-x', 'c++', '-')


def compile_alone(compiler, root, room, name):
    lower = ROOMS[:ROOMS.index(room) + 1]
    done = subprocess.run(
        [*compiler, *(f'-I{root / each / "include"}' for each in lower), *FLAGS],
        input=f'#include <{name}>\n#include <{name}>\n', capture_output=True, text=True)
    return name, done.returncode, done.stderr


def main():
    root, compiler = pathlib.Path(sys.argv[1]), [word for word in sys.argv[2:] if word != 'ccache']
    headers = [(room, str(path.relative_to(root / room / 'include')))
               for room in ROOMS for path in sorted((root / room / 'include').rglob('*.hpp'))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tried = [pool.submit(compile_alone, compiler, root, *header) for header in headers]
        for each in tried:
            name, status, errors = each.result()
            if status != 0:
                failed += 1
                print(f'{name} does not compile alone:\n{errors}')
    print(f'{len(headers)} public headers, {failed} do not compile alone')
    sys.exit(1 if failed or not headers else 0)


if __name__ == '__main__':
    main()
