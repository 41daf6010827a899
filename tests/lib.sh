# Sourced by tests/run: the steps, and how one is run, timed and counted.

# One target folder for everything. CI starts from a fresh clone each time, so its folder lies outside the clone.
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/propusk/target
if [ -n "${PROPUSK_TARGET:-}" ]; then
  CARGO_TARGET_DIR=$PROPUSK_TARGET
elif [ -z "${CARGO_TARGET_DIR:-}" ]; then
  CARGO_TARGET_DIR=$PWD/target
  if [ -n "${CI:-}" ] && mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then CARGO_TARGET_DIR=$cache; fi
fi
export CARGO_TARGET_DIR CARGO_TERM_COLOR=never
# Line tables are enough for a backtrace and halve the time to link; incremental files pay only for who edits.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only CARGO_PROFILE_TEST_DEBUG=line-tables-only
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0

RUN=$(mktemp -d "${TMPDIR:-/tmp}/propusk-run.XXXXXX") || exit 2
export RUN
began=$SECONDS
size=ci
steps_run=0
failed=()
# How long each took and what failed, in its own words: said once more at the very end: of a long output often only that
# is read.
reasons=
took=
child=

stop() {
  # The step is a process group: what it started and forgot ends with it.
  [ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null
  [ -n "${KEEP:-}" ] || rm -rf "$RUN"
}
trap stop EXIT
trap 'exit 130' INT TERM

# step NAME COMMAND...: runs it into a log, tells the time; the log is shown when it fails.
step() {
  local name=$1 log start named
  shift
  steps_run=$((steps_run + 1))
  log=$RUN/$(printf %03d "$steps_run").log
  start=$SECONDS
  printf '== %s\n' "$name"
  export PROPUSK_SIZE=$size
  set -m
  ("$@") </dev/null >"$log" 2>&1 &
  child=$!
  set +m
  local rc=0
  wait "$child" || rc=$?
  kill -TERM -- "-$child" 2>/dev/null
  child=
  grep -E '^(test result: |counted: |notice: )' "$log" | sed 's/^/   /'
  if [ $rc -eq 0 ]; then
    printf '   pass, %d s\n' $((SECONDS - start))
  else
    failed+=("$name")
    printf '%s\n' "---- $name failed ($rc): the end of what it printed"
    tail -n 120 "$log"
    named=$(awk -f tests/lib/why.awk "$log" | head -n 24 | cut -c 1-400)
    reasons+="$name: ${named:-ended with $rc}"$'\n'
    printf '   FAIL, %d s\n' $((SECONDS - start))
  fi
  took+="$((SECONDS - start)) s $name"$'\n'
  [ "$size" != long ] || counted "$name" "$log" $rc
  return 0
}

# What `long` leaves behind: one row a count, with the seed that repeats it. A run of single steps adds to it.
counted() {
  local table=tests/long.txt result=passed
  [ "$3" -eq 0 ] || result=FAILED
  if [ ! -e "$RUN/long" ]; then
    : >"$RUN/long"
    [ -z "${whole:-}" ] || : >"$table"
    { printf '# tests/run %s, %s, %s\n' "${whole:-PROPUSK_SIZE=long}" "$(git describe --always --dirty 2>/dev/null)" "$(date -u +%F)"
      echo 'what | seed | count | result'; } >>"$table"
  fi
  sed -nE "s/^counted: (.*), seed ([^,]*), count (.*)\$/\1 | \2 | \3 | $result/p" "$2" >>"$table"
  printf '%s | - | 1 | %s\n' "$1" "$result" >>"$table"
}

# cargo's own counts. A step that failed without a failed test did not compile, or died, or is no cargo test: it counts as one.
summary() {
  local passed bad skipped name
  read -r passed bad skipped < <(cat "$RUN"/*.log 2>/dev/null | awk '
    /^test result: / { for (i = 2; i < NF; i++) { if ($(i+1) == "passed;") p += $i; if ($(i+1) == "failed;") f += $i; if ($(i+1) == "ignored;") s += $i } }
    END { print p + 0, f + 0, s + 0 }')
  [ ${#failed[@]} -le "$bad" ] || bad=${#failed[@]}
  printf %s "$reasons"
  printf '%s' "$took" | sort -rn | head -n 12 | paste -sd ';' | sed 's/;/; /g'
  for name in "${failed[@]+"${failed[@]}"}"; do printf 'failed: %s\n' "$name"; done
  printf 'steps: %d passed, %d failed; %d s in all\n' $((steps_run - ${#failed[@]})) ${#failed[@]} $((SECONDS - began))
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$bad" "$skipped"
  [ ${#failed[@]} -eq 0 ]
}

. tests/lib/need.sh

header() { sed -nE "s/^# $2:[[:space:]]*(.*)/\1/p" "$1" | head -n 1; }

run_file() {
  local wants
  read -ra wants <<<"$(header "$1" needs)"
  [ ${#wants[@]} -eq 0 ] || need "${wants[@]}" || return 1
  "$1"
}

steps() {
  local file
  for file in tests/steps/[0-9]*; do
    [ -x "$file" ] || { step "$file" not_executable "$file"; continue; }
    case " $(header "$file" when) " in *" $1 "*) step "${file#tests/steps/}" run_file "$file" ;; esac
  done
}
not_executable() { echo "$1 is not executable"; return 1; }

one() {
  local file
  for file in tests/steps/[0-9]*-"$1"; do
    [ -x "$file" ] || { echo "no such step: $1"; exit 2; }
    step "${file#tests/steps/}" run_file "$file"
  done
}

# Single features as Cargo.toml names them, without `default` and `full`.
features() {
  awk '/^\[/{on=($0=="[features]")} on&&/^[a-z0-9_-]+ *=/{print $1}' Cargo.toml | grep -vxE 'default|full'
}

# The order keeps recompiling low: from few features to all of them, checks before builds.
lint() {
  # In a folder that outlives the clone, the crate's own files of earlier clones only take room.
  [ -z "${CI:-}" ] || cargo clean -q -p propusk 2>/dev/null
  step "rustfmt" cargo fmt --all --check
  step "clippy, core" cargo clippy -q --locked --all-targets -- -D warnings
  local feature
  for feature in $(features); do
    step "clippy, $feature" cargo clippy -q --locked --all-targets --features "$feature" -- -D warnings
  done
  step "clippy, full" cargo clippy -q --locked --all-targets --features full -- -D warnings
  step "docs" env RUSTDOCFLAGS=-Dwarnings cargo doc -q --locked --no-deps --all-features
  step "dependency graph" graph
  step "sizes" tests/size
}

graph() {
  need python3 && tests/graph || return 1
  # cargo-deny takes minutes to build: it is used where it is, and tests/graph reads the same deny.toml where it is not.
  if command -v cargo-deny >/dev/null; then cargo deny --all-features check bans licenses sources; else echo "notice: no cargo-deny here: tests/graph alone has looked"; fi
}

# `cargo test` runs unit, integration and documentation tests, and builds the examples. How much a test does, PROPUSK_SIZE tells it.
core() {
  step "tests, core" tests/lib/in-memory cargo test --locked --no-fail-fast -- --show-output
  step "tests, full" tests/lib/in-memory cargo test --locked --no-fail-fast --features full -- --show-output
}
