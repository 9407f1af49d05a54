# Sourced: runs steps one after another, all of them even if one fails, and tells at the end how it went.

failed=()

# step NAME COMMAND... — the command's output follows the name; its time and outcome are told when it has ended.
step() {
  local name=$1 start=$SECONDS outcome=ok code
  shift
  echo "== $name"
  # Not in the condition of an `if`: there bash ignores `set -e`, also inside functions and subshells.
  set +e
  (
    set -e
    "$@"
  )
  code=$?
  set -e
  if [ "$code" -ne 0 ]; then
    outcome=FAILED
    failed+=("$name")
  fi
  echo "== $name: $outcome, $((SECONDS - start)) s"
}

# finish — ends the script: 0 if every step went well.
finish() {
  if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED:"
    printf '  %s\n' "${failed[@]}"
    exit 1
  fi
  echo "All steps went well, $SECONDS s."
  exit 0
}
