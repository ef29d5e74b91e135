#!/usr/bin/env bash
# awscli's everyday commands: files to S3 and back, one of 40 MB among them, and a look at the jobs of a queue.
#
# usage: commands.sh DIR        an empty directory; the endpoint and credentials by the environment
set -euo pipefail
cd "$1"

is() { # is EXPECTED GOT
	[ "$1" = "$2" ] || { printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2" >&2; exit 1; }
}

aws s3 mb s3://files >/dev/null
mkdir -p up/deep
head -c 40000000 /dev/urandom >up/big
echo small >"up/deep/with space+ü"
aws s3 cp --quiet up/big s3://files/big
aws s3 cp --quiet --recursive up s3://files/tree/
is "big deep/with space+ü" "$(aws s3 ls --recursive s3://files/tree/ | sed 's/.* tree\///' | paste -sd' ')"
is "40000000" "$(aws s3 ls s3://files/big | awk '{print $3}')"
aws s3 cp --quiet s3://files/big down
cmp up/big down
aws s3 sync --quiet s3://files/tree/ copy
diff -r up copy
is "" "$(aws s3 sync up s3://files/tree/ --exclude 'deep/*' --size-only)" # what is there is not sent again
rm copy/big
aws s3 sync --quiet --delete copy s3://files/tree/
is "deep/with space+ü" "$(aws s3 ls --recursive s3://files/tree/ | sed 's/.* tree\///')"
aws s3 mv --quiet s3://files/big s3://files/moved
is "                           PRE tree/ moved" "$(aws s3 ls s3://files/ | sed 's/^[0-9].* //' | paste -sd' ')"
is small "$(aws s3 cp "s3://files/tree/deep/with space+ü" -)"
aws s3 rm --quiet --recursive s3://files/
is "" "$(aws s3 ls s3://files/)"
aws s3 rb s3://files >/dev/null
! aws s3 ls s3://files 2>/dev/null

is "$(aws ecr get-authorization-token --query 'length(authorizationData)' --output text)" 1
[ -n "$(aws ecr get-login-password)" ]
is arn:aws:iam::123456789012:user/local "$(aws sts get-caller-identity --query Arn --output text)"
is None "$(aws batch describe-job-queues --query 'jobQueues[0].jobQueueName' --output text)"
