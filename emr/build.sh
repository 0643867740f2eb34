#!/usr/bin/env bash
# emr/build.sh image     the custom image on BASE_IMAGE (default: AWS's public base of emr-spark-8.1.0)
# emr/build.sh stand-in  a base that stands in for AWS's where it cannot be had, named lakehouse-emr-base:local
# emr/build.sh archive   dist/lakehouse-emr.tar.gz: the environment for spark.archives, packed in BASE_IMAGE
# IMAGE, VERSION, BUILD_IMAGE (Debian, to fetch wheels), PIP_CERT as for docker/build.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
context="dist/image/emr-$1"
rm -rf "$context"
mkdir -p "$context"
arguments=()
for name in BASE_IMAGE BUILD_IMAGE PIP_CERT; do
  if [ -n "${!name:-}" ]; then arguments+=(--build-arg "$name=${!name}"); fi
done
case "$1" in
  image | archive)
    mkdir -p "$context/wheel"
    cp glue/wheelhouse-5.1.txt "$context/packages.txt" # of Python 3.11, which both releases have
    cp "dist/lakehouse_loader-$VERSION-py3-none-any.whl" "$context/wheel/"
    cp emr/lakehouse_job.py "$context/" ;;
  stand-in)
    awk '/^[a-z0-9]/ {keep = ($0 ~ /^(pyspark|py4j)==/)} keep' requirements/spark.txt >"$context/packages.txt"
    cp requirements/build.txt emr/stand_in/entrypoint.sh "$context/"
    cp -r .jars "$context/jars" ;;
esac
case "$1" in
  image)
    docker build --quiet --file emr/Dockerfile "${arguments[@]}" --tag "$IMAGE-emr:$VERSION" "$context" >/dev/null
    docker image inspect --format "$IMAGE-emr:$VERSION {{.Size}} bytes" "$IMAGE-emr:$VERSION" ;;
  stand-in)
    docker build --quiet --file emr/stand_in/Dockerfile --build-arg "BASE_IMAGE=${BUILD_IMAGE:-debian:bookworm-slim}" \
      ${PIP_CERT:+--build-arg "PIP_CERT=$PIP_CERT"} --tag lakehouse-emr-base:local "$context" >/dev/null
    docker image inspect --format "lakehouse-emr-base:local {{.Size}} bytes" lakehouse-emr-base:local ;;
  archive)
    docker build --quiet --file emr/Dockerfile.archive "${arguments[@]}" --tag lakehouse-emr-archive:local "$context" >/dev/null
    docker run --rm --entrypoint cat lakehouse-emr-archive:local /tmp/lakehouse.tar.gz >dist/lakehouse-emr.tar.gz
    echo "dist/lakehouse-emr.tar.gz $(stat -c %s dist/lakehouse-emr.tar.gz) bytes" ;;
esac
