# Lines for the user, steps that can be interrupted, and the lock. Sourced by the launcher and its parts.

say() { printf 'xinstruct: %s\n' "$*" >&2; }

fail() { # code message
  local code=$1
  shift
  say "$*"
  exit "$code"
}

# Runs a step as a child that a signal to the launcher ends at once: bash itself would first wait for it.
# Its standard output is in $step_output afterwards. The child keeps no lock and no terminal.
step_child=""
beside_child=""
step_output=""
in_step() {
  local out code=0
  out=$(mktemp "${TMPDIR:-/tmp}/xinstruct.XXXXXXXX") || return 1
  "$@" > "$out" < /dev/null 9>&- &
  step_child=$!
  wait "$step_child" || code=$?
  step_child=""
  step_output=$(< "$out")
  rm -f "$out"
  return "$code"
}

# One command beside all steps, until 'await_beside'; its output is its own affair.
beside() {
  "$@" < /dev/null 9>&- &
  beside_child=$!
}

await_beside() {
  local code=0
  wait "$beside_child" || code=$?
  beside_child=""
  return "$code"
}

end_children() {
  local child
  for child in $step_child $beside_child; do kill -TERM "$child" 2>/dev/null; done
  for child in $step_child $beside_child; do wait "$child" 2>/dev/null; done
}

interrupted() { # exit code
  trap '' INT TERM HUP
  end_children
  exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# One launcher at a time passes; descriptor 9 holds the lock until 'unlock' or the end of this process.
lock() { # file, what the other one is doing
  mkdir -p "$(dirname "$1")"
  exec 9> "$1" || fail 1 "cannot write '$1'."
  if ! flock -n 9; then
    say "waiting for another xinstruct, which is $2"
    await_lock
  fi
}
await_lock() { until flock -w 1 9; do :; done; }
unlock() { exec 9>&-; }
