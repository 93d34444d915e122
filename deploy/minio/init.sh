#!/bin/sh
# Makes a private bucket, and a user who may use this bucket and nothing else. May run as often as wanted.
# Needs MINIO_URL, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD, BUCKET, ACCESS_KEY, SECRET_KEY, and a writable MC_CONFIG_DIR.
set -eu

policy=holdfast-$BUCKET
mkdir -p "$MC_CONFIG_DIR"

# The image of mc has neither sed nor grep.
text=$(cat "$(dirname "$0")/one-bucket.json")
filled=
while :; do
  case $text in *@BUCKET@*) ;; *) break ;; esac
  filled=$filled${text%%@BUCKET@*}$BUCKET
  text=${text#*@BUCKET@}
done
printf '%s\n' "$filled$text" >"$MC_CONFIG_DIR/$policy.json"

mc --quiet alias set local "$MINIO_URL" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" >/dev/null
mc --quiet mb --ignore-existing "local/$BUCKET"
mc --quiet anonymous set none "local/$BUCKET"
# Made again each time: a changed secret takes effect, and attaching a policy twice would be an error.
mc --quiet admin user remove local "$ACCESS_KEY" >/dev/null 2>&1 || :
mc --quiet admin user add local "$ACCESS_KEY" "$SECRET_KEY" >/dev/null
mc --quiet admin policy create local "$policy" "$MC_CONFIG_DIR/$policy.json"
mc --quiet admin policy attach local "$policy" --user "$ACCESS_KEY"
echo "the bucket $BUCKET is ready for $ACCESS_KEY"
