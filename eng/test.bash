# ./xinstruct test [--filter X] [--nightly]: builds everything once and runs the test projects one after the other on a scratch
# PostgreSQL, then, without a filter, 'dotnet format' as one more test. The last line is 'N passed, N failed'. Sourced by the launcher.

run_tests() {
  local filter="" passed=0 failed=0 skipped=0 project results scratch=""
  while [ $# -gt 0 ]; do
    case $1 in
      --filter) [ $# -gt 1 ] || fail 2 "--filter wants an expression, for instance --filter Sample"; filter=$2; shift ;;
      --filter=*) filter=${1#*=} ;;
      --nightly) export XINSTRUCT_NIGHTLY=1 ;;
      *) fail 2 "unknown option '$1'. Usage: ./xinstruct test [--filter X] [--nightly]" ;;
    esac
    shift
  done
  needs_postgres=yes
  [ -z "${XINSTRUCT_TEST_POSTGRES:-}" ] || needs_postgres=""
  prepare_build
  build_solution

  end_old_scratch
  scratch=$home/test-$$
  results=$scratch/results
  mkdir -p "$results" || exit 1
  trap 'end_scratch "$scratch"' EXIT
  if [ -n "$needs_postgres" ]; then
    XINSTRUCT_HOME=$scratch XINSTRUCT_POSTGRES_KIND=test in_step "$repo/eng/postgres" start || exit
    export XINSTRUCT_TEST_POSTGRES=$step_output
  fi

  while read -r project; do
    run_project "$project"
  done < <(cd "$repo" && grep -oE '"tests[\\/][^"]*\.csproj"' XInstruct.sln | tr -d '"' | tr '\\' '/' | sort)

  [ -n "$filter" ] || check_format

  if [ -n "$filter" ] && [ $((passed + failed + skipped)) = 0 ]; then
    fail 2 "no test matches --filter '$filter'"
  fi
  printf '%d passed, %d failed' "$passed" "$failed"
  [ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
  printf '\n'
  [ "$failed" = 0 ] || exit 1
  exit 0
}

run_project() { # path of a project
  local name=${1##*/} assembly counts total=0 right=0 wrong=0 code=0 began=$SECONDS options=()
  name=${name%.csproj}
  assembly=$repo/${1%/*}/bin/Release/net10.0/$(assembly_of "$1").dll
  [ -e "$assembly" ] || fail 1 "'$assembly' is missing after the build."
  [ -z "$filter" ] || options=(--filter "$filter")
  in_step logged "$results/$name.log" "$dotnet" test "$assembly" --nologo --logger "trx;LogFileName=$name.trx" --results-directory "$results" \
    --blame-hang-timeout 20m --blame-hang-dump-type none "${options[@]}" || code=$?
  counts=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null | tail -1)
  if [ -n "$counts" ]; then
    total=$(count total) right=$(count passed) wrong=$(($(count failed) + $(count error) + $(count timeout) + $(count aborted)))
  fi
  # A test host that died reports nobody's failure.
  [ "$code" = 0 ] || [ "$wrong" -gt 0 ] || wrong=1
  passed=$((passed + right)) failed=$((failed + wrong)) skipped=$((skipped + (total > right + wrong ? total - right - wrong : 0)))
  [ "$total" = 0 ] && [ "$code" = 0 ] || printf '%s: %d passed, %d failed, %d s\n' "$name" "$right" "$wrong" $((SECONDS - began))
  [ "$wrong" = 0 ] || grep -vE '^(Results File|Passed!|Failed!|Test run for|Starting test|A total of|VSTest|$)' "$results/$name.log"
}

# The sources are as 'dotnet format' would leave them: one test of that name.
check_format() {
  local log=$results/format.log began=$SECONDS right=1
  cd "$repo" || exit 1
  in_step logged "$log" "$dotnet" format XInstruct.sln --no-restore --verify-no-changes --verbosity quiet || right=0
  cd "$OLDPWD" || exit 1
  passed=$((passed + right)) failed=$((failed + 1 - right))
  printf 'format: %d passed, %d failed, %d s\n' "$right" $((1 - right)) $((SECONDS - began))
  [ "$right" = 1 ] || { grep -m 20 error "$log"; say "run 'dotnet format XInstruct.sln'"; }
}

logged() { # file, command...
  local file=$1
  shift
  exec "$@" > "$file" 2>&1
}

count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<< "$counts"; }

assembly_of() { # path of a project
  local given
  given=$(sed -n 's:.*<AssemblyName>\(.*\)</AssemblyName>.*:\1:p' "$repo/$1")
  printf '%s' "${given:-XInstruct.$(basename "$1" .csproj)}"
}

end_scratch() { # folder
  trap '' INT TERM HUP
  [ ! -e "$1/postgres" ] || XINSTRUCT_HOME=$1 "$repo/eng/postgres" remove 2> /dev/null
  rm -rf "$1"
}

# A test run that was killed could not tidy up.
end_old_scratch() {
  local folder
  for folder in "$home"/test-*; do
    [ -d "$folder" ] && ! kill -0 "${folder##*-}" 2>/dev/null && end_scratch "$folder"
  done
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  trap 'interrupted 129' HUP
}
