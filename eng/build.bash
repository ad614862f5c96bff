# Builds once: a key of everything that the build reads is kept beside the result. Sourced by the launcher.

product=$repo/src/Cli/bin/Release/net10.0/xinstruct
state=$repo/.xinstruct

# cpu or cuda: which native packages are used.
device() {
  if [ -n "${XINSTRUCT_DEVICE:-}" ]; then printf '%s' "$XINSTRUCT_DEVICE"
  elif [ -e /dev/nvidiactl ]; then printf cuda
  else printf cpu; fi
}

standing_in() { # name of a package
  [[ "+$(sed -n 's:.*<StandIns>\(.*\)</StandIns>.*:\1:p' "$repo/eng/StandIns.props" 2>/dev/null)+" =~ \+(all|$1)\+ ]]
}

# Names, sizes and times of the sources, and the settings that change the result. The list of stand-ins is one of the sources.
build_key() { # folders of sources...
  {
    cd "$repo" &&
      find "$@" eng/StandIns.props ./*.props ./*.targets global.json .editorconfig \( -name bin -o -name obj -o -name node_modules \) -prune -o -type f -printf '%p %s %T@\n' 2>/dev/null | sort
    printf '%s\n' "$repo" "$(device)" "${LIBTORCH:-}" "${CXX:-}" "${XINSTRUCT_STANDINS:-}" "$dotnet" "$(probe_key)"
    cat "$repo"/eng/npm/package-lock.json "$repo"/eng/npm/node_modules/.fetched 2>/dev/null
  } | sha256sum | cut -c1-64
}

# The answers of a feed hold for these versions, this device and these feeds.
probe_key() {
  local directory=$repo settings=("$HOME"/.nuget/NuGet/*.[Cc]onfig "$HOME"/.config/NuGet/*.[Cc]onfig /etc/opt/NuGet/Config/*.[Cc]onfig)
  while [ -n "$directory" ]; do
    settings+=("$directory"/[Nn]u[Gg]et.[Cc]onfig)
    directory=${directory%/*}
  done
  {
    device
    printf '\n%s\n' "${XINSTRUCT_STANDINS:-}"
    grep -E '"(Temporalio|Marten|TorchSharp-[^"]*|Microsoft\.ML\.Tokenizers|Microsoft\.ML\.OnnxRuntime[^"]*)"' "$repo/Directory.Packages.props"
    cat "${settings[@]}" 2>/dev/null
  } | sha256sum | cut -c1-64
}

prepare_build() {
  find_dotnet
  mkdir -p "$state" 2>/dev/null || fail 1 "cannot write to '$repo', where the product is built. Clone it to a folder of your own."
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
}

up_to_date() { # stamp, key, result
  [ -e "$3" ] && [ -e "$1" ] && [ "$(< "$1")" = "$2" ]
}

product_sources=(src standins)
test_sources=(src standins tests eng/ApiUsed XInstruct.sln)

build_product() {
  local key
  machine_is_ready && up_to_date "$state/built" "$(build_key "${product_sources[@]}")" "$product" && return 0
  lock "$state/build.lock" building
  complete_machine
  key=$(build_key "${product_sources[@]}")
  up_to_date "$state/built" "$key" "$product" || {
    compile "the product" src/Cli/Cli.csproj
    stamp "$state/built" "$key"
  }
  unlock
}

# Every project, tests too.
build_solution() {
  local key product_key
  machine_is_ready && up_to_date "$state/built-tests" "$(build_key "${test_sources[@]}")" "$product" && return 0
  lock "$state/build.lock" building
  complete_machine
  key=$(build_key "${test_sources[@]}")
  product_key=$(build_key "${product_sources[@]}")
  up_to_date "$state/built-tests" "$key" "$product" || {
    compile "the product and its tests" XInstruct.sln
    stamp "$state/built" "$product_key"
    stamp "$state/built-tests" "$key"
  }
  unlock
}

machine_is_ready() {
  require_icu
  require_torch
  [ -z "$needs_postgres" ] || require_postgres
  [ "${#missing_packages[@]}" = 0 ]
}

complete_machine() {
  missing_packages=()
  missing_names=()
  # Nothing of .NET runs without ICU, and what TorchSharp needs is known once the feed has answered.
  require_icu
  install_missing
  check_dotnet
  if [ "$(cat "$state/probed" 2>/dev/null)" != "$(probe_key)" ] || [ ! -e "$repo/eng/StandIns.props" ]; then
    say "asking the package feed for Temporalio, Marten, TorchSharp-$(device), Microsoft.ML.Tokenizers, Microsoft.ML.OnnxRuntime"
    in_step "$repo/eng/probe" "$(device)" || exit
    say "$step_output"
    stamp "$state/probed" "$(probe_key)"
  fi
  machine_is_ready || install_missing
  fetch_onnxruntime
  fetch_npm
}

# By the build too, but here with a line of its own: it is large.
fetch_onnxruntime() {
  local log=$state/npm.log
  standing_in Microsoft.ML.OnnxRuntime || return 0
  "$repo/eng/onnxruntime" --check && return 0
  require_npm
  install_missing
  say "fetching ONNX Runtime (npm ci)"
  in_step fetch_logged "$log" "$repo/eng/onnxruntime" && return 0
  tail -5 "$log" >&2
  fail 1 "fetching ONNX Runtime failed; the log is $log"
}

# The data sheet's pictures, and what reads Parquet. All else goes on without them, so nothing that fails here ends the build.
fetch_npm() {
  local log=$state/npm-libraries.log
  "$repo/eng/npm/fetch" --check && return 0
  require_npm
  if [ "${#missing_packages[@]}" -gt 0 ] && ! can_install; then
    missing_packages=() missing_names=()
    say "npm is missing, so data sheets will have tables and no pictures, and Parquet cannot be read. Once it is there ('apt-get install nodejs npm'), run eng/npm/fetch and this again."
    return 0
  fi
  install_missing
  say "fetching the chart library and DuckDB (npm ci)"
  in_step fetch_logged "$log" "$repo/eng/npm/fetch" || say "fetching the chart library and DuckDB failed, so data sheets will have tables and no pictures, and Parquet cannot be read; the log is $log"
}

fetch_logged() { # log, script
  exec "$2" > "$1" 2>&1
}

compile() { # what, project
  local log=$state/build.log code=0 options=()
  [ "$(device)" = cpu ] || options=("-p:Device=$(device)")
  await_orphan
  say "building $1"
  cd "$repo" || exit 1
  # No build server stays behind; the compiler server, which does, leaves by itself.
  in_step compile_logged "$log" build "$2" -c Release -v quiet --nologo -nodeReuse:false "${options[@]}" || code=$?
  rm -f "$state/building"
  cd "$OLDPWD" || exit 1
  [ "$code" = 0 ] && return 0
  grep -E 'error|warn' "$log" | sort -u | head -20 >&2
  fail 1 "building $1 failed; the log is $log"
}

compile_logged() { # log, arguments of dotnet
  local log=$1
  shift
  printf '%s' "$BASHPID" > "$state/building"
  exec "$dotnet" "$@" > "$log" 2>&1
}

# A build whose launcher was killed goes on alone, and two at once would spoil each other.
await_orphan() {
  local pid
  pid=$(cat "$state/building" 2>/dev/null) || return 0
  [[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" == */dotnet && "$(readlink "/proc/$pid/cwd")" == "$repo" ]] || return 0
  say "waiting for a build that is still going on"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
}

stamp() { # file, content
  printf '%s' "$2" > "$1.new" && mv -f "$1.new" "$1"
}
