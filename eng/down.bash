# ./xinstruct down [--purge]: stops what a run left behind; --purge removes the private folder as well. Sourced by the launcher.

run_down() {
  local purge="" pids=() word
  for word in "$@"; do
    case $word in
      --purge) purge=yes ;;
      *) fail 2 "unknown option '$word'. Usage: ./xinstruct down [--purge]" ;;
    esac
  done
  mapfile -t pids < <(running_products)
  if [ "${#pids[@]}" -gt 0 ]; then
    say "stopping ${#pids[@]} running xinstruct (process ${pids[*]}); a run goes on when it is started again"
    kill -INT "${pids[@]}" 2>/dev/null
    await_products 20 || { mapfile -t pids < <(running_products); kill -KILL "${pids[@]}" 2>/dev/null; await_products 5; }
  fi
  local cluster
  for cluster in "$home" "$home"/test-*; do
    [ -e "$cluster/postgres" ] || continue
    XINSTRUCT_HOME=$cluster in_step "$repo/eng/postgres" "$([ -n "$purge" ] && echo remove || echo stop)" || exit
  done
  [ -n "$purge" ] || { say "nothing is running"; return 0; }
  if [ -e "$home/xinstruct-home" ]; then
    rm -rf "$home"
  else
    rm -rf "$home"/test-* "$home"/postgres* "$home/install.log"
    say "left what else lies in $home"
  fi
  say "removed what lay in $home"
}

# The built product's processes that work in this home, whatever started them.
running_products() {
  local path
  for path in /proc/[0-9]*; do
    case $(readlink "$path/exe" 2>/dev/null) in
      "$product" | "$product (deleted)") ;;
      *) continue ;;
    esac
    ! tr '\0' '\n' < "$path/environ" 2>/dev/null | grep -qxF "XINSTRUCT_HOME=$home" || echo "${path#/proc/}"
  done
}

await_products() { # seconds
  local until=$((SECONDS + $1))
  while [ -n "$(running_products)" ]; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.1
  done
}
