# Sourced by the builds: sets `labels`, of TITLE and DESCRIPTION, for docker build.
oci=org.opencontainers.image
labels=(
  --label "$oci.title=$TITLE"
  --label "$oci.description=Loads files into Delta tables, and accounts for every row and cent ($DESCRIPTION)"
  --label "$oci.version=$VERSION"
  --label "$oci.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
  --label "$oci.licenses=Apache-2.0"
)
