# ./xinstruct test [--filter X] [--nightly] [--faults SEED]: builds everything once and runs the test projects on a scratch PostgreSQL, one after the
# other beside the slowest, then, without a filter, 'dotnet format' as one more test. The last line is 'N passed, N failed'. Sourced by the launcher.

run_tests() {
  local filter="" passed=0 failed=0 skipped=0 code project results scratch="" slowest=tests/EndToEnd/EndToEnd.csproj
  local -A began=()
  while [ $# -gt 0 ]; do
    case $1 in
      --filter) [ $# -gt 1 ] || fail 2 "--filter wants an expression, for instance --filter Sample"; filter=$2; shift ;;
      --filter=*) filter=${1#*=} ;;
      --faults) [ $# -gt 1 ] || fail 2 "--faults wants a seed, for instance --faults 1"; export XINSTRUCT_TEST_FAULTS=$2; shift ;;
      --nightly) export XINSTRUCT_NIGHTLY=1 ;;
      *) fail 2 "unknown option '$1'. Usage: ./xinstruct test [--filter X] [--nightly] [--faults SEED]" ;;
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
  trap 'end_children; end_scratch "$scratch"' EXIT
  if [ -n "$needs_postgres" ]; then
    XINSTRUCT_HOME=$scratch XINSTRUCT_POSTGRES_KIND=test in_step "$repo/eng/postgres" start || exit
    export XINSTRUCT_TEST_POSTGRES=$step_output
  fi

  # It takes longer than all others together and mostly waits for processes, so they run beside it.
  test_project beside "$slowest"
  while read -r project; do
    [ "$project" = "$slowest" ] && continue
    code=0
    test_project in_step "$project" || code=$?
    report_project "$project" "$code"
  done < <(cd "$repo" && grep -oE '"tests[\\/][^"]*\.csproj"' XInstruct.sln | tr -d '"' | tr '\\' '/' | sort)
  [ -n "$filter" ] || check_format
  code=0
  await_beside || code=$?
  report_project "$slowest" "$code"

  if [ -n "$filter" ] && [ $((passed + failed + skipped)) = 0 ]; then
    fail 2 "no test matches --filter '$filter'"
  fi
  printf '%d passed, %d failed' "$passed" "$failed"
  [ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
  printf '\n'
  [ "$failed" = 0 ] || exit 1
  exit 0
}

test_project() { # in_step or beside, path of a project
  local name assembly options=()
  name=$(basename "$2" .csproj)
  assembly=$repo/${2%/*}/bin/Release/net10.0/$(assembly_of "$2").dll
  [ -e "$assembly" ] || fail 1 "'$assembly' is missing after the build."
  [ -z "$filter" ] || options=(--filter "$filter")
  began[$name]=$EPOCHSECONDS
  "$1" logged "$results/$name.log" "$dotnet" test "$assembly" --nologo --logger "trx;LogFileName=$name.trx" --results-directory "$results" \
    --blame-hang-timeout 20m --blame-hang-dump-type none "${options[@]}"
}

report_project() { # path of a project, its exit code
  local name counts total=0 right=0 wrong=0
  name=$(basename "$1" .csproj)
  counts=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null | tail -1)
  if [ -n "$counts" ]; then
    total=$(count total) right=$(count passed) wrong=$(($(count failed) + $(count error) + $(count timeout) + $(count aborted)))
  fi
  # A test host that died reports nobody's failure.
  [ "$2" = 0 ] || [ "$wrong" -gt 0 ] || wrong=1
  passed=$((passed + right)) failed=$((failed + wrong)) skipped=$((skipped + (total > right + wrong ? total - right - wrong : 0)))
  # What was written last is when it ended: nobody waits for the one beside.
  [ "$total" = 0 ] && [ "$2" = 0 ] || printf '%s: %d passed, %d failed, %d s\n' "$name" "$right" "$wrong" $(($(stat -c %Y "$results/$name.log") - began[$name]))
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
