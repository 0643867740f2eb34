#!/usr/bin/env bash
# Makes the images' base without a registry, from Debian's packages: docker/local-base.sh NAME [SUITE]
# It trusts what this machine trusts, so that packages can be installed where their registries are mirrored.
set -euo pipefail
name="${1:?the image to make}" suite="${2:-bookworm}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" >"$folder.log" 2>&1 || { tail -5 "$folder.log" >&2; exit 1; }
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/* "$folder"/usr/share/doc/* "$folder"/usr/share/man/* \
  "$folder"/usr/share/locale/* "$folder.log"
cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
tar -C "$folder" -c . | docker import --change 'CMD ["bash"]' - "$name" >/dev/null
docker image inspect --format '{{.RepoTags}} {{.Size}} bytes' "$name"
