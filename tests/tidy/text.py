# SPDX-License-Identifier: BSL-1.0
"""C++ text as the rules look at it: without comments and literals, cut into statements."""
import re

LITERAL_OR_COMMENT = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def blank(text):
    """The text with everything but its line ends turned into spaces: positions stay."""
    return re.sub(r'[^\n]', ' ', text)


def code_only(text):
    """C++ text with comments and the insides of literals blanked; positions stay."""
    def hide(match):
        found = match.group(0)
        if found.startswith('/'):
            return blank(found)
        return found[0] + blank(found[1:-1]) + found[-1]
    return LITERAL_OR_COMMENT.sub(hide, text)


def comments_only(text):
    """The set of lines (from 1) on which a comment stands."""
    lines = set()
    for match in LITERAL_OR_COMMENT.finditer(text):
        if match.group(0).startswith('/'):
            first = line_of(text, match.start())
            lines.update(range(first, first + match.group(0).count('\n') + 1))
    return lines


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def closing(code, start):
    """Where the bracket that opens at start closes, or the end of the text."""
    pairs, depth = {'(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1}, 0
    for position in range(start, len(code)):
        depth += pairs.get(code[position], 0)
        if depth == 0:
            return position
    return len(code)


def without_preprocessor(code):
    """Blanks directives with their continuation lines: their brackets need not balance."""
    return re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', lambda match: blank(match.group(0)), code,
                  flags=re.MULTILINE)


CONTROL = re.compile(r'\s*(?:else\b\s*)?(?:if|while|for|switch)\b\s*(?:constexpr\s*)?(?=\()')


def statements(code):
    """(position, text) of every statement at every depth. A block inside of one is blanked in it
    and comes as statements of its own; the head of an `if` and the like is one of its own too."""
    for start, text in whole_statements(code, 0):
        while head := CONTROL.match(text):
            end = closing(text, head.end()) + 1
            yield start, text[:end]
            start, text = start + end, text[end:]
        yield start, text


def whole_statements(code, offset):
    begin, position, depth, current = 0, 0, 0, []
    while position < len(code):
        character = code[position]
        if character == '{':
            end = closing(code, position)
            inside = code[position + 1:end]
            yield from whole_statements(inside, offset + position + 1)
            current.append('{' + blank(inside) + '}')
            position = end + 1
            following = code[position:].lstrip()[:1]
            if depth == 0 and following not in ('', ';', ',', ')', '.', '(', '|'):
                yield offset + begin, ''.join(current)
                begin, current = position, []
            continue
        depth += {'(': 1, ')': -1}.get(character, 0)
        current.append(character)
        position += 1
        if character == ';' and depth <= 0:
            yield offset + begin, ''.join(current)
            begin, current, depth = position, [], 0
    if ''.join(current).strip():
        yield offset + begin, ''.join(current)
