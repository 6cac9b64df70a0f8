# SPDX-License-Identifier: Apache-2.0
"""Exit 0 where every `name==version` line of the given requirements file is installed so."""
import importlib.metadata
import sys

for line in open(sys.argv[1], encoding="utf-8"):
    name, _, version = line.split("#")[0].strip().partition("==")
    if name and importlib.metadata.version(name).split("+")[0] != version:
        sys.exit(1)
