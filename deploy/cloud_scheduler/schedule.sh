#!/usr/bin/env bash
# Creates a Cloud Scheduler job that launches the Dataflow Flex Template of launch.json.
# usage: PROJECT=... REGION=... BUCKET=... WORKER_ACCOUNT=... LAUNCH_ACCOUNT=... schedule.sh
set -euo pipefail
: "${PROJECT:?}" "${REGION:?}" "${BUCKET:?}" "${WORKER_ACCOUNT:?}" "${LAUNCH_ACCOUNT:?}"
body=$(sed -e "s|WORKER_ACCOUNT|$WORKER_ACCOUNT|g" -e "s|BUCKET|$BUCKET|g" \
  -e "s|REGION|$REGION|g" "$(dirname "$0")/launch.json")

# A failed launch is not retried: it may have succeeded nevertheless, and the next one is an hour
# away. Google's own APIs take OAuth, not OIDC.
exec gcloud scheduler jobs create http newsbeam \
  --project="$PROJECT" \
  --location="$REGION" \
  --schedule="${SCHEDULE:-7 * * * *}" \
  --time-zone=Etc/UTC \
  --uri="https://dataflow.googleapis.com/v1b3/projects/$PROJECT/locations/$REGION/flexTemplates:launch" \
  --http-method=POST \
  --headers=Content-Type=application/json \
  --message-body="$body" \
  --max-retry-attempts=0 \
  --oauth-service-account-email="$LAUNCH_ACCOUNT" \
  --oauth-token-scope=https://www.googleapis.com/auth/cloud-platform
