#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Each public header compiles alone, seeing only its own room and lower ones; one that needs a
package says so, in one sentence, where that is not installed:
headers_test.py ROOT COMPILER [ARGUMENT ...]"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

from rules import ROOMS

FLAGS = ('-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion',
         '-Wshadow', '-Wold-style-cast', '-Werror', '-x', 'c++', '-')

# header: (the package, what of it lies among the system's headers)
NEEDS = {'exeunt/runtime/parallel.hpp': ('oneTBB', ('tbb', 'oneapi'))}


def compile_alone(compiler, root, room, name):
    lower = ROOMS[:ROOMS.index(room) + 1]
    done = subprocess.run(
        [*compiler, *(f'-I{root / each / "include"}' for each in lower), *FLAGS],
        input=f'#include <{name}>\n#include <{name}>\n', capture_output=True, text=True)
    failed = done.returncode != 0
    if name in NEEDS and says_what_it_needs(name, done.stderr):
        failed = False
    return name, failed, done.stderr


def says_what_it_needs(name, errors):
    """In one error and no other."""
    found = re.findall(r'error: (.*)', errors)
    sentence = f'{name} needs {NEEDS[name][0]}, which is not found'
    return bool(found) and all(sentence in each for each in found)


def without_package(compiler, hidden, scratch):
    """Arguments by which the compiler finds all of the system's headers but these."""
    said = subprocess.run([*compiler, '-E', '-v', '-x', 'c++', '/dev/null'], capture_output=True,
                          text=True, check=True).stderr
    listed = re.search(r'#include <\.\.\.> search starts here:\n(.*?)\nEnd of search', said,
                       flags=re.DOTALL)[1]
    arguments = ['-nostdinc']
    for number, folder in enumerate(pathlib.Path(line.strip()) for line in listed.splitlines()):
        if any((folder / each).exists() for each in hidden):
            farm = pathlib.Path(scratch) / str(number)
            farm.mkdir()
            for each in folder.iterdir():
                if each.name not in hidden:
                    (farm / each.name).symlink_to(each)
            folder = farm
        arguments += ['-isystem', str(folder)]
    return arguments


def silent_about_needs(compiler, root):
    """How many headers do something else than say what they need."""
    silent = 0
    for name, (package, hidden) in NEEDS.items():
        with tempfile.TemporaryDirectory() as scratch:
            arguments = without_package(compiler, hidden, scratch)
            room = name.split('/')[1]
            _, _, errors = compile_alone([*compiler, *arguments], root, room, name)
        if not says_what_it_needs(name, errors):
            silent += 1
            print(f'{name}, without {package}:\n{errors}')
    return silent


def main():
    root, compiler = pathlib.Path(sys.argv[1]), [word for word in sys.argv[2:] if word != 'ccache']
    headers = [(room, str(path.relative_to(root / room / 'include')))
               for room in ROOMS for path in sorted((root / room / 'include').rglob('*.hpp'))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tried = [pool.submit(compile_alone, compiler, root, *header) for header in headers]
        for each in tried:
            name, wrong, errors = each.result()
            if wrong:
                failed += 1
                print(f'{name} does not compile alone:\n{errors}')
    print(f'{len(headers)} public headers, {failed} do not compile alone')
    sys.exit(1 if failed or silent_about_needs(compiler, root) or not headers else 0)


if __name__ == '__main__':
    main()
