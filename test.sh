#!/usr/bin/env bash
# Installs what the tests need where it can, builds, runs everything. Ends with one line "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet tool restore
dotnet restore MeshCA.sln
dotnet csharpier check .
dotnet build MeshCA.sln -c Release --no-restore
