#!/usr/bin/env bash
# emr/build.sh image     the custom image on BASE_IMAGE, AWS's public base of RELEASE
# emr/build.sh stand-in  a base that stands in for AWS's where it cannot be had, named lakehouse-emr-base:RELEASE
# emr/build.sh archive   dist/lakehouse-emr.tar.gz: the environment for spark.archives, packed in BASE_IMAGE
# RELEASE is emr-spark-8.1.0 or emr-7.14.0. IMAGE, VERSION, BUILD_IMAGE (Debian, to fetch wheels), PIP_CERT as for docker/build.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
context="dist/image/emr-$1"
rm -rf "$context"
mkdir -p "$context"
case "$RELEASE" in
  emr-spark-8.1.0) spark=spark jars=.jars ;;
  emr-7.14.0) spark=line-3.5 jars=.jars-3.5 ;;
  *) echo "no such release: $RELEASE" >&2; exit 2 ;;
esac
name="$IMAGE-emr:$VERSION-$RELEASE" stand_in="lakehouse-emr-base:$RELEASE"
arguments=()
for option in BASE_IMAGE BUILD_IMAGE PIP_CERT; do
  if [ -n "${!option:-}" ]; then arguments+=(--build-arg "$option=${!option}"); fi
done
case "$1" in
  image | archive)
    mkdir -p "$context/wheel"
    cp glue/wheelhouse-5.1.txt "$context/packages.txt" # of Python 3.11, which both releases have
    cp "dist/lakehouse_loader-$VERSION-py3-none-any.whl" "$context/wheel/"
    cp emr/lakehouse_job.py requirements/archive.txt "$context/" ;;
  stand-in)
    awk '/^[a-z0-9]/ {keep = ($0 ~ /^(pyspark|py4j)==/)} keep' "requirements/$spark.txt" >"$context/packages.txt"
    cp requirements/build.txt emr/stand_in/entrypoint.sh "$context/"
    mkdir "$context/jars" && cp "$jars"/*.jar "$context/jars/" ;;
esac
case "$1" in
  image)
    TITLE=lakehouse-emr DESCRIPTION="EMR Serverless, $RELEASE"
    source docker/labels.sh
    docker build --quiet --file emr/Dockerfile "${labels[@]}" "${arguments[@]}" --tag "$name" "$context" >/dev/null
    docker image inspect --format "$name {{.Size}} bytes" "$name" ;;
  stand-in)
    docker build --quiet --file emr/stand_in/Dockerfile --build-arg "BASE_IMAGE=${BUILD_IMAGE:-debian:bookworm-slim}" \
      ${PIP_CERT:+--build-arg "PIP_CERT=$PIP_CERT"} --tag "$stand_in" "$context" >/dev/null
    docker image inspect --format "$stand_in {{.Size}} bytes" "$stand_in" ;;
  archive)
    docker build --quiet --file emr/Dockerfile.archive "${arguments[@]}" --tag lakehouse-emr-archive:local "$context" >/dev/null
    docker run --rm --entrypoint cat lakehouse-emr-archive:local /tmp/lakehouse.tar.gz >dist/lakehouse-emr.tar.gz
    echo "dist/lakehouse-emr.tar.gz $(stat -c %s dist/lakehouse-emr.tar.gz) bytes" ;;
esac
