#!/bin/bash
# Bazel links this file to its place in the source tree.
set -euo pipefail
exec "$(dirname "$(readlink -f "$0")")/../../tools/tidy.py"
