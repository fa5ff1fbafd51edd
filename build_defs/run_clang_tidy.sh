#!/bin/bash
# One action of clang_tidy.bzl: run_clang_tidy.sh STAMP CONFIG SOURCE COMPILER_FLAGS...
# Quiet and a new STAMP when SOURCE is clean; clang-tidy's findings and failure when it is not.
set -euo pipefail

stamp=$1 config=$2 source=$3
shift 3
if ! findings=$(clang-tidy --quiet --config-file="$config" "$source" -- "$@" 2>&1); then
  # "warnings generated" counts what system headers would say: no finding.
  grep -vE '^([0-9]+ warnings? generated|Suppressed [0-9]+ warnings|Use -header-filter)' \
    <<< "$findings" | sed -e "s#$PWD/##" -e 's#^\./##' >&2
  exit 1
fi
touch "$stamp"
