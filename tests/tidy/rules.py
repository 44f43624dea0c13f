# SPDX-License-Identifier: BSL-1.0
"""The rules of the house. Each takes a tree and yields violations as (path, line, message)."""
import ast
import pathlib
import re
import textwrap

from text import (closing, code_only, comments_only, line_of, statements, without_preprocessor)

ROOMS = ('scheduler', 'runtime', 'io', 'actors')
COLUMNS = 100
FILE_LINES = 500
FUNCTION_LINES = 70
NOT_SOURCE = {'.git', 'build', '__pycache__', 'subprojects', '.cache'}
CPP = ('.hpp', '.cpp')
MEASURED = CPP + ('.py', '.build', '.sh')


class Tree:
    """The files below a root, read once. `files` maps a relative path to its text."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = {}
        for path in sorted(self.root.rglob('*')):
            relative = path.relative_to(self.root)
            if any(part in NOT_SOURCE or part.startswith('build-') for part in relative.parts):
                continue
            if path.is_file():
                try:
                    self.files[relative] = path.read_text(encoding='utf-8')
                except UnicodeDecodeError:
                    continue

    def select(self, *suffixes):
        return ((path, text) for path, text in self.files.items() if path.suffix in suffixes)

    def scripts_and_sources(self):
        for path, text in self.files.items():
            if path.suffix in MEASURED or text.startswith('#!'):
                yield path, text


def layering(tree):
    """A room includes only itself and lower ones, public headers only by their public name."""
    for path, text in tree.select(*CPP):
        if path.parts[0] not in ROOMS:
            continue
        allowed = ROOMS[:ROOMS.index(path.parts[0]) + 1]
        for number, line in enumerate(text.splitlines(), 1):
            included = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not included:
                continue
            kind, target = included.groups()
            parts = target.split('/')
            if parts[0] == 'exeunt':
                if len(parts) == 2 and path.name != 'exeunt.hpp':
                    yield path, number, 'includes the umbrella header'
                elif len(parts) > 2 and parts[1] not in allowed:
                    yield path, number, f'{path.parts[0]} must not include {parts[1]}'
            elif kind == '"' and ('..' in parts or parts[0] in ROOMS):
                yield path, number, 'a private header is included only from its own room'
            elif kind == '"' and 'include' in path.parts:
                yield path, number, 'a public header must not need a private one'


def columns(tree):
    for path, text in tree.scripts_and_sources():
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > COLUMNS:
                yield path, number, f'{len(line)} columns, at most {COLUMNS}'


def file_length(tree):
    for path, text in tree.scripts_and_sources():
        length = text.count('\n')
        if length > FILE_LINES:
            yield path, length, f'{length} lines, at most {FILE_LINES}: this wants to be two files'


NOT_A_FUNCTION = re.compile(
    r'^\s*(?:export\s+)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern\s*"|concept)\b')


def function_length(tree):
    for path, text in tree.select('.cpp', '.hpp'):
        code = without_preprocessor(code_only(text))
        for start, block in function_bodies(code):
            lines = code.count('\n', start, block) + 1
            if lines > FUNCTION_LINES:
                yield (path, line_of(code, start),
                       f'a function of {lines} lines, at most {FUNCTION_LINES}')
    for path, text in tree.select('.py'):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield path, node.lineno, f'{node.name} has {lines} lines'


def function_bodies(code):
    """(begin, end) of the outermost functions: a block that has a parameter list before it."""
    position, begin = 0, 0
    while position < len(code):
        character = code[position]
        if character == '{':
            head = re.sub(r'^\s*template\s*<[^{;]*?>\s*(?=\w)', '', code[begin:position])
            end = closing(code, position)
            plain = NOT_A_FUNCTION.search(head) or '(' not in head
            if plain:
                position, begin = position + 1, position + 1
                continue
            yield position, end
            position = begin = end + 1
            continue
        if character in ';}':
            begin = position + 1
        position += 1


def todo(tree):
    """What is left to do has an issue: TODO(#12)."""
    # Spelled so that this file does not break its own rule.
    words = re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX)\b(?!\(#\d+\))')
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if words.search(line):
                yield path, number, 'something to do without the number of its issue'


CAPTURING_LAMBDA = re.compile(
    r'(?<![\w\])\[])\[(?!\s*\]|\[)(?P<captures>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\s*'
    r'(?:<[^;{}]*?>\s*)?(?=[({]|mutable\b|->|noexcept\b)')


def lambda_beside_await(tree):
    """GCC 12 destroys the closure twice; tests/compiler holds the proof, so it is left out."""
    for path, text in tree.select(*CPP):
        if path.parts[:2] == ('tests', 'compiler'):
            continue
        code = without_preprocessor(code_only(text))
        for start, statement in statements(code):
            if not re.search(r'\bco_await\b', statement):
                continue
            for found in CAPTURING_LAMBDA.finditer(statement):
                yield (path, line_of(code, start + found.start()),
                       'a capturing lambda inside a co_await expression: name it, then move it')


DECLARATION = re.compile(
    r'(?:^|[;{}(])\s*(?!(?:co_|do\b|return\b|throw\b|delete\b|else\b|case\b|goto\b|using\b))'
    r'(?:[a-z]+\s+)*[\w:]+(?:<[^;{}]*>)?[&*\s]+(?:\w+|\[[\w, ]+\])\s*(?:=[^=]|[;{(]|:[^:])')


def await_in_condition(tree):
    """GCC 12.2 lays the frame out wrongly (its bug 106188): `if (co_await x)` in a coroutine that
    declares no variable around it. tests/compiler holds the proof."""
    for path, text in tree.select(*CPP):
        if path.parts[:2] == ('tests', 'compiler'):
            continue
        code = without_preprocessor(code_only(text))
        for found in re.finditer(r'\b(?:if|while|switch)\s*(?=\()', code):
            condition = code[found.end():closing(code, found.end())]
            if 'co_await' in condition and not DECLARATION.search(condition + ';'):
                if not any(map(DECLARATION.search, enclosing_blocks(code, found.start()))):
                    yield (path, line_of(code, found.start()),
                           'a co_await in a condition: name its value first')


def enclosing_blocks(code, position):
    """The blocks of one function around a position, innermost first, each with its head, as far as
    the position; blocks inside of them that have ended are left out."""
    depth, kept = 0, []
    while position > 0:
        position -= 1
        character = code[position]
        if character == '}':
            depth += 1
        elif character == '{' and depth > 0:
            depth -= 1
        elif character == '{':
            head = re.split(r'[;{}]\s*(?=\w)', code[:position])[-1]
            control = re.match(r'\s*(?:else|do|try|(?:if|for|while|switch|catch)\b.*|)\s*$', head,
                               flags=re.DOTALL)
            yield ''.join(reversed(kept)) + ';' + (head + ';' if control else '')
            if not control:
                return
            position, kept = position - len(head), []
        elif depth == 0:
            kept.append(character)


ORDERED = re.compile(
    r'\bmemory_order(?:_|::)(?:acquire|release|acq_rel|seq_cst|consume)\b'
    r'|\batomic_thread_fence\b')
ATOMIC_CALL = re.compile(
    r'(?:\.|->)(?P<name>load|store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set)\s*\(')


def atomic_comment(tree):
    """An operation that is not relaxed says what it pairs with, on its line or just before."""
    for path, text in tree.select(*CPP):
        if path.parts[0] not in ROOMS:
            continue
        code, commented = without_preprocessor(code_only(text)), comments_only(text)
        lines = code.splitlines()
        for number in sorted(set(ordered_lines(code))):
            first = number
            while first > 1 and re.search(r'[^\s;{}:]\s*$', lines[first - 2]):
                first -= 1
            if not commented.intersection(range(first - 2, number + 1)):
                yield path, number, 'a memory order without a comment that says what it pairs with'


def ordered_lines(code):
    for found in ORDERED.finditer(code):
        yield line_of(code, found.start())
    for found in ATOMIC_CALL.finditer(code):
        arguments = code[found.end():closing(code, found.end() - 1)]
        if 'memory_order' in arguments or 'order' in arguments:
            continue
        empty = not arguments.strip()
        if (found['name'] == 'load') == empty:
            yield line_of(code, found.start())


def licence_line(tree):
    for path, text in tree.scripts_and_sources():
        head = text.splitlines()[:2]
        wanted = 1 if head and head[0].startswith('#!') else 0
        if len(head) <= wanted or not re.match(r'(//|#) SPDX-License-Identifier: BSL-1\.0$',
                                               head[wanted]):
            yield path, wanted + 1, 'does not begin with its SPDX-License-Identifier'


def names(tree):
    banned = {'util', 'utils', 'utility', 'helper', 'helpers', 'common', 'misc'}
    for path in tree.files:
        if path.stem.lower() in banned:
            yield path, 1, 'a file is named after what it is about'
        if any(part in banned | {'detail', 'details'} for part in path.parts[:-1]):
            yield path, 1, 'no folder called detail or the like'
        if path.suffix in CPP and not re.fullmatch(r'[a-z0-9_]+', path.stem):
            yield path, 1, 'file names are snake_case'


def machine_paths(tree):
    """The project speaks of itself, not of the machine that somebody wrote it on."""
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r'(?<![\w.\])}])/(?:home|root|work|Users)/\w', line):
                yield path, number, 'a path of somebody\'s machine'


def heading_anchors(text):
    for heading in re.findall(r'^#+ +(.*?) *#*$', text, flags=re.MULTILINE):
        plain = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        yield re.sub(r'[^\w\- ]', '', plain.lower()).replace(' ', '-')


def links(tree):
    for path, text in tree.select('.md'):
        prose = re.sub(r'^```.*?^```', lambda match: re.sub(r'[^\n]', ' ', match.group(0)), text,
                       flags=re.MULTILINE | re.DOTALL)
        for found in re.finditer(r'\]\(([^)\s]+)\)', prose):
            target, _, anchor = found[1].partition('#')
            if re.match(r'[a-z]+:', target):
                continue
            number = line_of(prose, found.start())
            there = (tree.root / path.parent / target) if target else tree.root / path
            if not there.exists():
                yield path, number, f'the link {found[1]} leads nowhere'
            elif anchor and there.suffix == '.md':
                if anchor not in heading_anchors(there.read_text(encoding='utf-8')):
                    yield path, number, f'{target or path} has no heading #{anchor}'


def marked_text(text, name):
    """What stands between `// [name]` and `// [/name]`, or # for //; None without the marks.
    Without a name: all but the licence line."""
    if not name:
        return text.partition('\n')[2].strip('\n')
    found = re.search(rf'^[ \t]*(?://|#) \[{re.escape(name)}\]\n(.*?)^[ \t]*(?://|#)'
                      rf' \[/{re.escape(name)}\]$', text, flags=re.MULTILINE | re.DOTALL)
    return None if not found else textwrap.dedent(found[1]).strip('\n')


def snippets(tree):
    """`<!-- from: path#name -->` before a fenced block: it is the text of that tested file."""
    for path, text in tree.select('.md'):
        for found in re.finditer(r'<!-- from: ([^#\s]+)#?(\S*) -->\n(```\w*\n(.*?)\n?```)?', text,
                                 flags=re.DOTALL):
            number, (source, name) = line_of(text, found.start()), found.groups()[:2]
            original = tree.files.get(pathlib.Path(source))
            wanted = original and marked_text(original, name)
            if wanted is None:
                yield path, number, f'{source} has no text marked [{name}]'
            elif found[3] is None:
                yield path, number, 'no fenced block follows'
            elif found[4].strip('\n') != wanted:
                yield path, number, f'differs from {f"[{name}] in " if name else ""}{source}'


def unquoted(tree):
    """What the README and the guide show in C++ is the text of a tested file."""
    for path, text in tree.select('.md'):
        if path.name != 'README.md' and path.parts[:2] != ('docs', 'guide'):
            continue
        for found in re.finditer(r'^```cpp$', text, flags=re.MULTILINE):
            if not re.search(r'<!-- from: \S+ -->\n$', text[:found.start()]):
                yield path, line_of(text, found.start()), 'C++ that no test compiles: quote one'


def header_index(tree):
    """The guide's index names every public header, once, and none that is not there."""
    index = pathlib.Path('docs/guide/README.md')
    headers = {'/'.join(path.parts[3:]) for path, _ in tree.select('.hpp')
               if path.parts[1:3] == ('include', 'exeunt')}
    headers.discard('exeunt.hpp')
    listed = []
    for number, line in enumerate(tree.files.get(index, '').splitlines(), 1):
        row = re.match(r'\| `(\S+\.hpp)` \| \S', line)
        if row and row[1] not in headers:
            yield index, number, f'there is no public header {row[1]}'
        elif row and row[1] in listed:
            yield index, number, f'{row[1]} is listed twice'
        if row:
            listed.append(row[1])
    for header in sorted(headers.difference(listed)):
        yield index, 1, f'{header} is not listed'


def dead_files(tree):
    """A source is built, a header is included by somebody."""
    included = set()
    for _, text in tree.select(*CPP):
        included.update(re.findall(r'#\s*include\s*[<"]([^">]+)[">]', text))
    names_included = {target.rsplit('/', 1)[-1] for target in included}
    for path, _ in tree.select('.cpp'):
        builds = (tree.files.get(folder / 'meson.build', '') for folder in path.parents)
        concept = path.stem.removesuffix('_test')
        if not any(re.search(rf'\b({path.stem}|{concept})\b', build) for build in builds):
            yield path, 1, 'no meson.build names it'
    for path, _ in tree.select('.hpp'):
        public = 'include' in path.parts
        name = '/'.join(path.parts[path.parts.index('include') + 1:]) if public else path.name
        if name != 'exeunt/exeunt.hpp' and name not in (included if public else names_included):
            yield path, 1, 'nobody includes it'


RULES = (layering, columns, file_length, function_length, todo, lambda_beside_await,
         await_in_condition, atomic_comment, licence_line, names, machine_paths, links, snippets,
         unquoted, header_index, dead_files)
