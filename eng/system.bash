# What the machine itself must have: the .NET SDK, ICU, a C++ compiler, libtorch, npm, PostgreSQL. Sourced by the launcher.

missing_packages=()
missing_names=()
missing() { # what, Debian packages...
  missing_names+=("$1")
  shift
  missing_packages+=("$@")
}

find_dotnet() {
  local place
  for place in "$(command -v dotnet)" "${DOTNET_ROOT:-}/dotnet" "$HOME/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet /usr/local/share/dotnet/dotnet; do
    if [ -n "$place" ] && [ -x "$place" ]; then
      dotnet=$(readlink -f "$place")
      export DOTNET_ROOT=${dotnet%/*} PATH="$PATH:${dotnet%/*}"
      return 0
    fi
  done
  fail 3 "the .NET SDK 10 is missing. Install it, for instance:
  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
}

check_dotnet() {
  (cd "$repo" && "$dotnet" --version) > /dev/null 2>&1 ||
    fail 3 "the .NET SDK that global.json asks for is missing: $(grep -o '"version": *"[^"]*"' "$repo/global.json"). '$dotnet' has: $("$dotnet" --list-sdks | tr '\n' ' ')
  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
}

require_icu() {
  # Invariant mode would silently switch Unicode normalisation off.
  export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false
  compgen -G '/usr/lib*/libicuuc.so.*' > /dev/null || compgen -G '/usr/lib/*/libicuuc.so.*' > /dev/null ||
    ldconfig -p 2>/dev/null | grep -q libicuuc || missing "ICU" "libicu*"
}

require_torch() {
  standing_in TorchSharp || return 0
  command -v "${CXX:-g++}" > /dev/null || missing "a C++ compiler" g++
  [ -z "${LIBTORCH:-}" ] || { [ -e "$LIBTORCH/lib/libtorch_cpu.so" ] || fail 3 "LIBTORCH is '$LIBTORCH', and there is no lib/libtorch_cpu.so in it."; return 0; }
  if ! compgen -G '/usr/lib/*/libtorch_cpu.so' > /dev/null || ! [ -e /usr/include/torch/csrc/api/include/torch/version.h ]; then
    missing libtorch libtorch-dev
  fi
  # With the reference BLAS a product is sixteen times slower.
  compgen -G '/usr/lib/*/openblas-pthread/libopenblas.so.0' > /dev/null || missing OpenBLAS libopenblas0-pthread
}

require_npm() {
  command -v npm > /dev/null && command -v node > /dev/null || missing "Node.js and npm" nodejs npm
}

require_postgres() {
  "$repo/eng/postgres" binaries > /dev/null 2>&1 || missing PostgreSQL "$("$repo/eng/postgres" wants)"
}

can_install() {
  command -v apt-get > /dev/null && { [ "$(id -u)" = 0 ] || { command -v sudo > /dev/null && sudo -n true 2>/dev/null; }; }
}

install_missing() {
  [ "${#missing_packages[@]}" -gt 0 ] || return 0
  local names packages root=()
  if ! command -v apt-get > /dev/null; then
    fail 3 "missing: $(join "${missing_names[@]}"). This machine has no apt-get: install them with its own package manager, then run this again."
  fi
  packages=$(resolve_packages)
  names=$(join "${missing_names[@]}")
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo > /dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ] && sudo -v; }; }; then
      root=(sudo -n)
    else
      fail 3 "missing: $names. Install with this command, then run this again:
  sudo apt-get install -y --no-install-recommends $packages"
    fi
  fi
  say "installing $names (apt-get install $packages)"
  # shellcheck disable=SC2086 # a list of package names
  in_step install_packages $packages ||
    fail 3 "installing $names failed; the log is $home/install.log. Install with this command, then run this again:
  ${root[*]:+sudo }apt-get install -y --no-install-recommends $packages"
  missing_packages=()
  missing_names=()
}

join() {
  local IFS=,
  local line="$*"
  printf '%s' "${line//,/, }"
}

# The name of the ICU package carries its version: take the newest that this release of Debian has.
resolve_packages() {
  local package icu
  for package in "${missing_packages[@]}"; do
    if [ "$package" = 'libicu*' ]; then
      icu=$(apt-cache --names-only search '^libicu[0-9]+$' 2>/dev/null | cut -d' ' -f1 | sort -V | tail -1)
      package=${icu:-libicu72}
    fi
    printf '%s ' "$package"
  done
}

install_packages() {

  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 LC_ALL=C apt-get -o DPkg::Lock::Timeout=1200 -o Dpkg::Use-Pty=0)
  {
    # We bring our own cluster: keep Debian from creating and starting one on its port.
    if [[ " $* " == *" postgresql"* ]] && [ ! -e /etc/postgresql-common ]; then
      "${root[@]}" mkdir -p /etc/postgresql-common &&
        printf '%s\n' "# Written by xinstruct, which runs a cluster of its own." "create_main_cluster = false" |
        "${root[@]}" tee /etc/postgresql-common/createcluster.conf
    fi
    "${apt[@]}" install -y --no-install-recommends "$@" && return 0
    # Stale lists, an installation that was cut off, or a lock of the lists that apt-get does not wait for.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    local try
    for try in 1 2 3 4 5 6; do
      "${apt[@]}" update && break
      [ "$try" = 6 ] || sleep 5
      ! [ -e /var/lib/apt/lists/lock ] || "${root[@]}" flock -w 120 /var/lib/apt/lists/lock true
    done
    "${apt[@]}" install -y --no-install-recommends "$@"
  } > "$home/install.log" 2>&1
}
