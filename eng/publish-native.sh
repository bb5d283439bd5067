#!/usr/bin/env bash
# Builds meshca as one native program into artifacts/native: a fifth of the start time and half of the memory of the
# portable build. Needs a C compiler and linker (gcc or clang) and zlib's development files.
set -euo pipefail
cd "$(dirname "$0")/.."
case $(uname -m) in
  x86_64) rid=linux-x64 ;;
  aarch64) rid=linux-arm64 ;;
  *) echo "publish-native.sh: no native build for $(uname -m)" >&2; exit 1 ;;
esac
dotnet publish src/MeshCA -c Release -r "$rid" -p:PublishAot=true -o artifacts/native "$@"
rm -f artifacts/native/*.xml artifacts/native/*.staticwebassets.endpoints.json
echo "artifacts/native/meshca"
