#!/bin/sh
# caretrace at night on Linux: a run, then a backup. Its exit code is the run's, or else the backup's.
# Set these five here, or in the environment of the timer.
: "${CARETRACE:=/opt/caretrace/venv/bin/caretrace}"
: "${PROJECT:=/srv/caretrace/council}"
: "${BACKUPS:=/mnt/backup/caretrace}"
: "${CARETRACE_KEYS:=/etc/caretrace/keys}"
# The public key, age1..., that backups are encrypted to; its private half is kept elsewhere.
: "${BACKUP_KEY:=}"
export CARETRACE_KEYS
umask 077

mkdir -p "$PROJECT/logs" || exit 1
exec >>"$PROJECT/logs/nightly-$(date +%Y-%m).log" 2>&1

echo "==== $(date -u +%Y-%m-%dT%H:%M:%SZ)"
"$CARETRACE" run --project "$PROJECT"
run=$?
echo "run ended with $run"

# 5: another run holds the project, so there is nothing to back up now and it will do so itself.
[ "$run" -eq 5 ] && exit 5

"$CARETRACE" backup --out "$BACKUPS" --keep 14 ${BACKUP_KEY:+--to "$BACKUP_KEY"} --project "$PROJECT"
backup=$?
echo "backup ended with $backup"

[ "$run" -ne 0 ] && exit "$run"
exit "$backup"
