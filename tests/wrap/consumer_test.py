#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Uses the library as its users do: from a project of their own, in a folder of its own.

    consumer_test.py wrap ROOT COMPILER [ARGUMENT ...]
    consumer_test.py pkgconfig ROOT COMPILER [ARGUMENT ...]

`wrap` gets it as a Meson subproject from a tarball, under another folder name, without network and
with nothing but a compiler, Meson and Ninja (and oneTBB for a second program, where there is one).
`pkgconfig` installs it and builds with one compiler command, against the shared and the static
library. ROOT is the source tree.
"""
import os
import pathlib
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FEATURES = ('io_uring', 'tbb', 'boost', 'jemalloc')
OWN_PROGRAMS = ('tests', 'benchmarks', 'examples')
NOT_SOURCE = {'.git', 'build', '__pycache__', 'subprojects', '.cache'}
# What a program that does without us includes: the measure of how long ours may take to compile,
# for a limit in seconds would say more about the machine and what else runs there.
STANDARD_HEADERS = ('algorithm', 'chrono', 'functional', 'iostream', 'map', 'memory', 'ranges',
                    'string', 'thread', 'vector')
# Times as long as those. Where it was set, with nothing else running, that is 1.6 s with GCC 12
# (1.4 s are taken) and 1.7 s with Clang 19 (1.2 s).
COMPILE_LIMIT = 1.4


def run(*command, environment=None):
    """The command's output; ends the test with all of it when the command fails."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f'exit status {done.returncode}: {shlex.join(str(word) for word in command)}')
    return done.stdout


def pack(root, archive, folder):
    """Packs the source tree as a release tarball would hold it."""
    def source_only(member):
        parts = pathlib.PurePath(member.name).parts[1:]
        built = any(part in NOT_SOURCE or part.startswith('build-') for part in parts)
        return None if built else member
    with tarfile.open(archive, 'w:gz', compresslevel=1) as tarball:
        tarball.add(root, arcname=folder, filter=source_only)


def through_wrap(root, compiler, scratch):
    project = scratch / 'project'
    shutil.copytree(HERE / 'consumer', project)
    packages = project / 'subprojects' / 'packagefiles'
    packages.mkdir(parents=True)
    (project / 'exeunt.wrap').rename(project / 'subprojects' / 'exeunt.wrap')
    pack(root, packages / 'exeunt.tar.gz', 'somebody-elses-name')
    without = [f'-Dexeunt:{feature}=disabled' for feature in FEATURES]
    build = project / 'build'
    run('meson', 'setup', build, project, '--wrap-mode=forcefallback', *without,
        environment={'CXX': shlex.join(compiler)})
    log = run('ninja', '-C', build)
    print(run(build / 'consumer').strip())
    if (build / 'parallel').exists():
        print(run(build / 'parallel').strip())
    programs = [path for path in (build / 'subprojects').rglob('*') if path.is_file()
                and os.access(path, os.X_OK) and path.suffix == '']
    if programs:
        sys.exit(f'a subproject builds programs of its own: {programs}')
    if 'warning:' in log:
        print(log)
        sys.exit('the library warns when it is built in a user\'s project')


def compilation_seconds(compiler, flags, source, scratch):
    """CPU time, of the compiler."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*compiler, '-std=c++20', '-O0', *flags, '-c', source, '-o', scratch / 'measured.o')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compiles_fast(compiler, flags, source, scratch):
    """One file with gather and sleep, -O0, in turns with one of standard headers."""
    standard = scratch / 'standard.cpp'
    standard.write_text(''.join(f'#include <{name}>\n' for name in STANDARD_HEADERS) +
                        'int main() {}\n', encoding='utf-8')
    turns = [(compilation_seconds(compiler, flags, source, scratch),
              compilation_seconds(compiler, [], standard, scratch)) for _ in range(5)]
    ratio = statistics.median(ours / theirs for ours, theirs in turns)
    seconds = statistics.median(ours for ours, _ in turns)
    print(f'one file with gather and sleep, -O0: {seconds:.2f} s of CPU, {ratio:.2f} times what '
          f'{len(STANDARD_HEADERS)} standard headers take')
    if ratio > COMPILE_LIMIT:
        sys.exit(f'it should take {COMPILE_LIMIT} times as long as those at the most')


def refuses_old_standard(compiler, flags, source):
    old = subprocess.run([*compiler, '-std=c++17', '-fsyntax-only', *flags, str(source)],
                         capture_output=True, text=True)
    if old.returncode == 0 or 'exeunt needs C++20' not in old.stderr:
        print(old.stderr)
        sys.exit('C++17 is not refused with our sentence')


def with_onetbb(compiler, strict, where, scratch):
    """Its dependency beside ours, where it is installed."""
    if subprocess.run(['pkg-config', '--exists', 'tbb >= 2021']).returncode != 0:
        return print('no oneTBB 2021 or newer here')
    flags = shlex.split(run('pkg-config', '--cflags', '--libs', 'exeunt', 'tbb',
                            environment=where))
    source, program = HERE / 'consumer' / 'parallel.cpp', scratch / 'parallel'
    run(*compiler, '-std=c++20', *strict, source, '-o', program, *flags)
    return print(run(program, environment=where).strip())


def through_pkgconfig(root, compiler, scratch):
    prefix, build = scratch / 'prefix', scratch / 'build'
    run('meson', 'setup', build, root, f'--prefix={prefix}', '--libdir=lib',
        '--default-library=both', *[f'-D{name}=disabled' for name in OWN_PROGRAMS],
        environment={'CXX': shlex.join(compiler)})
    run('ninja', '-C', build)
    run('meson', 'install', '-C', build, '--no-rebuild', '--quiet')
    where = {'PKG_CONFIG_PATH': str(prefix / 'lib' / 'pkgconfig'),
             'LD_LIBRARY_PATH': str(prefix / 'lib')}
    source, program = HERE / 'consumer' / 'consumer.cpp', scratch / 'consumer'
    flags = shlex.split(run('pkg-config', '--cflags', 'exeunt', environment=where))
    shared = shlex.split(run('pkg-config', '--libs', 'exeunt', environment=where))
    static = shlex.split(run('pkg-config', '--static', '--libs', 'exeunt', environment=where))
    static = ['-l:libexeunt.a' if word == '-lexeunt' else word for word in static]
    # What users compile with must not make our headers noisy.
    strict = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Wold-style-cast',
              '-Werror']
    for name, libraries in (('shared', shared), ('static', static)):
        run(*compiler, '-std=c++20', *strict, *flags, source, '-o', program, *libraries)
        print(f'{name}: {run(program, environment=where).strip()}')
    with_onetbb(compiler, strict, where, scratch)
    refuses_old_standard(compiler, flags, source)
    bare_compiler = [word for word in compiler if word != 'ccache']
    compiles_fast(bare_compiler, flags, source, scratch)


def main():
    way, root, compiler = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    ways = {'wrap': through_wrap, 'pkgconfig': through_pkgconfig}
    with tempfile.TemporaryDirectory(prefix='exeunt-consumer-') as scratch:
        ways[way](root, compiler, pathlib.Path(scratch))


if __name__ == '__main__':
    main()
