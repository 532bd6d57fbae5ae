#!/usr/bin/env bash
# Measures portcullis-probe beside curl and a prober in Go: 10,000 targets on loopback, fast, slow, refusing, resetting, half-open,
# long and endless ones in turn; 256 at the same time, one second each. In long answers, of 256 kB, portcullis-probe looks for a text at
# the end, so its memory shows that it keeps none of them. Prints Markdown; docs/performance.md shows what one run gave.
#
#   benches/services.sh
#
# curl and go are left out where they are missing. Nothing is written into the repository.
set -euo pipefail
exec </dev/null
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"
folder="$(mktemp -d)"
server=
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

(cd "$root" && cargo build --release --quiet -p portcullis-probe --example load)
load="$root/target/release/examples/load"

"$load" 10000 --serve >"$folder/urls.txt" &
server=$!
until [ "$(wc -l <"$folder/urls.txt")" -eq 10000 ]; do sleep 0.1; done

commands=("portcullis-probe" "$load 10000 $folder/urls.txt")
if command -v curl >/dev/null 2>&1; then
    # curl has no bound on what it reads of a body but the time, and follows redirects anywhere: so it follows none.
    sed 's|.*|url = "&"\noutput = "/dev/null"|' "$folder/urls.txt" >"$folder/curl.conf"
    commands+=("curl --parallel" "curl --silent --parallel --parallel-immediate --parallel-max 256 --max-time 1 --config $folder/curl.conf")
else
    printf 'curl is not installed\n' >&2
fi
if command -v go >/dev/null 2>&1; then
    (cd "$here/peers/prober" && GO111MODULE=off go build -o "$folder/prober" .)
    commands+=("Go, net/http" "$folder/prober $folder/urls.txt")
else
    printf 'go is not installed\n' >&2
fi
python3 "$here/measure.py" 120 3 "${commands[@]}"
"$load" 10000 "$folder/urls.txt"
