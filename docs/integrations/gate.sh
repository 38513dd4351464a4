#!/bin/sh
# Judges a canary and acts on the answer, in any shell: gate.sh BASELINE CANARY
# Needs: `davy` on the PATH, DAVY_PROMETHEUS, DAVY_TOKEN where the server wants one, and davy.yaml (or RULES).
set -u

if [ "$#" -ne 2 ]; then
  echo "usage: gate.sh BASELINE CANARY" >&2
  exit 2
fi

promote() { echo "give the canary the traffic here"; }
rollback() { echo "take the canary back here"; }
ask_someone() { echo "neither shown safe nor harmful: ask a person"; }

code=0
davy gate --rules "${RULES:-davy.yaml}" \
  --baseline "version=$1" --canary "version=$2" \
  --explain \
  --report html=davy-report/index.html \
  --report json=davy-report/report.json || code=$?

case "$code" in
  0) promote ;;
  1) rollback ;;
  3) ask_someone ;;
  *) echo "no verdict (exit code $code): the canary stays where it is" >&2 ;;
esac
exit "$code"
