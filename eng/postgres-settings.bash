# The settings of the private cluster, written anew at each start so that a newer launcher's hold. Sourced by eng/postgres.

write_settings() {
  local shared=posix
  # A container often has a /dev/shm of 64 MB, too small for parallel plans.
  [ "$(df -k --output=size /dev/shm 2>/dev/null | tail -1 || echo 0)" -ge 262144 ] 2>/dev/null || shared=mmap
  as_server tee "$data/postgresql.conf.new" > /dev/null << END || fail 1 "cannot write to '$data'."
# Written by eng/postgres at each start.
listen_addresses = ''
unix_socket_directories = '$sockets'
unix_socket_permissions = 0700
max_connections = 200
dynamic_shared_memory_type = $shared
min_wal_size = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
# Statements and rows hold prompts: errors are logged without them.
log_min_error_statement = panic
log_error_verbosity = terse
$(durability)
END
  as_server tee "$data/pg_hba.conf" > /dev/null <<< "local all all peer map=xinstruct"
  {
    # As the server sees them: the account of its files, which in its own user namespace root is too, and root.
    printf 'xinstruct "%s" xinstruct\n' "$(as_server id -un)" root
  } | as_server tee "$data/pg_ident.conf" > /dev/null
  as_server mv -f "$data/postgresql.conf.new" "$data/postgresql.conf"
}

durability() {
  if [ "$kind" = test ]; then
    printf '%s\n' "fsync = off" "full_page_writes = off" "synchronous_commit = off" "max_connections = 300" "shared_buffers = 256MB"
  else
    printf '%s\n' "fsync = on" "synchronous_commit = on" "shared_buffers = $(buffers)MB"
    # Ids are random, so that a checkpoint is followed by whole pages: most of the log of a million samples.
    ! "$bin/pg_config" --configure 2> /dev/null | grep -q -- --with-lz4 || printf '%s\n' "wal_compression = lz4"
  fi
}

# A sixteenth of what memory this machine or container has, 256 to 4,096 MB.
buffers() {
  local memory limit
  memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo 2> /dev/null)
  limit=$(cat /sys/fs/cgroup/memory.max 2> /dev/null)
  [[ "$limit" =~ ^[0-9]+$ ]] && limit=$((limit >> 20)) && [ "$limit" -lt "${memory:-0}" ] && memory=$limit
  memory=$((${memory:-0} / 16))
  [ "$memory" -ge 256 ] || memory=256
  [ "$memory" -le 4096 ] || memory=4096
  echo "$memory"
}
