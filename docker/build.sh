#!/usr/bin/env bash
# Builds one image from dist/*.whl, the locks and the jars: docker/build.sh embedded|slim|spark
# IMAGE, VERSION: its name. BASE_IMAGE, PIP_CERT: where the defaults of the Dockerfile cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
flavour="${1:?embedded, slim or spark}"
case "$flavour" in
  embedded) lock=local target=embedded suffix="" what="embedded engine" ;;
  slim) lock=embedded target=embedded suffix="-slim" what="embedded engine, without Data Docs" ;;
  spark) lock=spark target=spark suffix="-spark" what="classic Spark" ;;
  *) echo "no such image: $flavour" >&2; exit 2 ;;
esac
context="dist/image/$flavour"
rm -rf "$context"
mkdir -p "$context/requirements" "$context/wheel"
cp requirements/build.txt "$context/requirements/"
cp "requirements/$lock.txt" "$context/requirements/packages.txt"
cp "dist/lakehouse_loader-$VERSION-py3-none-any.whl" "$context/wheel/"
"${PYTHON:-python3}" -m cyclonedx_py requirements --output-reproducible --of JSON -o "$context/sbom.cdx.json" "requirements/$lock.txt"
if [ "$flavour" = spark ]; then
  mkdir "$context/jars" && cp .jars/*.jar "$context/jars/"
  cp docker/native_libraries.py "$context/"
fi
TITLE="lakehouse$suffix" DESCRIPTION="$what"
source docker/labels.sh
arguments=("${labels[@]}")
for name in BASE_IMAGE PIP_CERT; do
  if [ -n "${!name:-}" ]; then arguments+=(--build-arg "$name=${!name}"); fi
done
docker build --quiet --file docker/Dockerfile --target "$target" "${arguments[@]}" \
  --tag "$IMAGE:$VERSION$suffix" --tag "$IMAGE:latest$suffix" "$context" >/dev/null
docker image inspect --format "$IMAGE:$VERSION$suffix {{.Size}} bytes" "$IMAGE:$VERSION$suffix"
