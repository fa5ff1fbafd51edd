# shellcheck shell=bash
# What the developer scripts share: how they speak, how they stop, how they look at the disk.
# Source it; the script that does sets `program` first.

say() { printf '== %s\n' "$*"; }

die() {
  printf '%s: error: %s\n' "${program:?}" "$1" >&2
  shift
  [[ $# -eq 0 ]] || printf '  %s\n' "$@" >&2
  exit 1
}

# The nearest directory of $1 that exists: its file system is where $1 will be.
existing_parent() {
  local dir=$1
  while [[ ! -d $dir ]]; do dir=$(dirname "$dir"); done
  printf '%s\n' "$dir"
}

# need_disk DIRECTORY MEGABYTES PURPOSE: stops unless there is room for it.
need_disk() {
  local dir free_mb
  dir=$(existing_parent "$1")
  free_mb=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
  [[ $free_mb -ge $2 ]] || die "too little disk for $3" \
    "needed in $1: $2 MB; free: $free_mb MB" "Free some space and start again."
}

# Prints a count of seconds as 7s or 3m07s.
duration() {
  if [[ $1 -lt 60 ]]; then printf '%ds' "$1"; else printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); fi
}
