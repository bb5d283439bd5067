#!/usr/bin/env bash
# Prints the path of a zlint. Debian 12 has no package of it, Debian 13 has: it is taken from there, unpacked beside the
# build's output and never installed. Says why and exits with 1 where that cannot be done.
set -euo pipefail
command -v zlint && exit 0
cd "$(dirname "$0")/.."
dir=$PWD/artifacts/tools/zlint
bin=$dir/root/usr/bin/zlint
if [ ! -x "$bin" ]; then
  sources=$(grep -ls bookworm /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -1 || true)
  [ -n "$sources" ] || { echo "zlint: not on PATH, and this is no Debian 12 whose sources lead to Debian 13" >&2; exit 1; }
  rm -rf "$dir"
  mkdir -p "$dir"/{lists/partial,archives/partial,parts}
  list=$dir/trixie.${sources##*.}
  # Paragraphs of the security archive are named otherwise in Debian 13 and not needed.
  sed 's/bookworm/trixie/g' "$sources" | awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/' >"$list"
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$list" -o "Dir::Etc::sourceparts=$dir/parts" -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  (cd "$dir" && "${apt[@]}" download zlint >&2 && dpkg-deb -x zlint_*.deb root)
fi
echo "$bin"
