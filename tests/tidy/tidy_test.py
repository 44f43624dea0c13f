#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Reads the tree and says where it breaks the rules of the house: tidy_test.py ROOT"""
import sys

import rules


def main():
    tree, broken = rules.Tree(sys.argv[1]), 0
    for rule in rules.RULES:
        for path, line, message in rule(tree):
            broken += 1
            print(f'{path}:{line}: {rule.__name__}: {message}')
    print(f'{len(tree.files)} files, {len(rules.RULES)} rules, {broken} violations')
    sys.exit(1 if broken else 0)


if __name__ == '__main__':
    main()
