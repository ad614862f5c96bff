# Which account the server runs as, whether it runs, and what is left of one that died. Sourced by eng/postgres.

# Sets data, owner, group and run_as: what to put before a command so that the files are the server's own.
# PostgreSQL refuses to run as root. For root it runs in a user namespace where root's files look like those of 'postgres';
# where user namespaces are forbidden, as 'postgres' itself, in /var/lib/xinstruct; and on files of another user, as that user.
choose_account() {
  data=$(readlink -m "$place")
  if [ "$(id -u)" != 0 ]; then
    run_as=() owner=$(id -u) group=$(id -g)
    [ ! -e "$data" ] || [ "$(stat -c %u "$data")" = "$owner" ] ||
      fail 1 "'$data' belongs to $(stat -c %U "$data"), not to $(id -un). Set XINSTRUCT_HOME to a folder of your own."
    return
  fi
  local server=postgres
  id -u postgres > /dev/null 2>&1 || server=nobody
  local mapped=(unshare --user --map-user="$(id -u "$server")" --map-group="$(id -g "$server")" --)
  if [ -e "$data" ] && [ "$(stat -c %u "$data")" != 0 ]; then
    owner=$(stat -c %u "$data") group=$(stat -c %g "$data")
    run_as=(setpriv --reuid="$owner" --regid="$group" --clear-groups --)
  elif "${mapped[@]}" true 2> /dev/null; then
    run_as=("${mapped[@]}") owner=0 group=0
  elif [ -e "$data" ]; then
    fail 1 "'$data' was made where user namespaces are allowed, and here they are not. Set XINSTRUCT_HOME to another folder."
  else
    owner=$(id -u "$server") group=$(id -g "$server")
    run_as=(setpriv --reuid="$owner" --regid="$group" --clear-groups --)
    mkdir -p /var/lib/xinstruct && chmod 755 /var/lib/xinstruct || exit 1
    ln -sfn "/var/lib/xinstruct/$number" "$place" || exit 1
    data=/var/lib/xinstruct/$number
  fi
}

as_server() { "${run_as[@]}" "$@"; }

ours() { # process: is it a PostgreSQL process of this cluster?
  [[ "$(readlink "/proc/$1/cwd" 2>/dev/null)" == "$data" && "$(readlink "/proc/$1/exe" 2>/dev/null)" =~ /postgres(\ \(deleted\))?$ ]]
}

# The running server's process. A number in a stale file may belong to anybody by now.
postmaster() {
  local pid
  pid=$(head -1 "$data/postmaster.pid" 2>/dev/null) && [[ "$pid" =~ ^[0-9]+$ ]] && ours "$pid" && echo "$pid"
}

answering() {
  postmaster > /dev/null || return 1
  running_sockets=$(sed -n 5p "$data/postmaster.pid")
  [ -n "$running_sockets" ] && "$bin/pg_isready" -q -t 3 -h "$running_sockets"
}

# A server that starts or recovers from a backend's crash needs a while.
await_answer() { # seconds
  local until=$((SECONDS + $1))
  until answering; do
    postmaster > /dev/null && [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.1
  done
}

# Ends what a killed server left behind: a postmaster whose socket is gone, orphan backends, a stale postmaster.pid.
end_leftovers() {
  local pids=() path pid
  for path in /proc/[0-9]*; do
    pid=${path#/proc/}
    ! ours "$pid" || pids+=("$pid")
  done
  if [ "${#pids[@]}" -gt 0 ]; then
    say "ending what is left of a PostgreSQL that died"
    kill -QUIT "${pids[@]}" 2>/dev/null
    await_end 10 "${pids[@]}" || { kill -KILL "${pids[@]}" 2>/dev/null; await_end 10 "${pids[@]}"; }
  fi
  rm -f "$data/postmaster.pid"
}

await_end() { # seconds, processes...
  local until=$((SECONDS + $1)) pid
  shift
  for pid in "$@"; do
    while ours "$pid"; do
      [ "$SECONDS" -lt "$until" ] || return 1
      sleep 0.05
    done
  done
}

# In a session of its own, so that it outlives this process, its terminal and its group.
launch() {
  local pid until=$((SECONDS + 300))
  say "starting PostgreSQL"
  [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -lt 10000000 ] || mv -f "$log" "$log.old"
  (
    for descriptor in /proc/self/fd/*; do
      descriptor=${descriptor##*/}
      [ "$descriptor" -le 2 ] || eval "exec $descriptor>&-"
    done
    cd /
    exec "${run_as[@]}" setsid env -i PATH="$PATH" LC_ALL=C "$bin/postgres" -D "$data" < /dev/null >> "$log" 2>&1
  ) < /dev/null > /dev/null 2>&1 &
  pid=$!
  until answering; do
    if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
      tail -5 "$log" >&2
      fail 1 "PostgreSQL did not start; the log is $log"
    fi
    sleep 0.05
  done
  disown "$pid"
}
