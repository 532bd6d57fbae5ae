#!/usr/bin/env bash
# Fuzzes each reader for a while, with the recordings as seeds:  fuzz/run.sh [SECONDS] [TARGET…]
#
# Needs cargo-fuzz and a nightly compiler. What it finds stands in fuzz/artifacts; make a test of it, then mend it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds="${1:-60}"
[ $# -gt 0 ] && shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(plan state policy live hcl)

seeds() { # TARGET: the recordings it reads, a file name per line
    case "$1" in
    plan) find ../fixtures -name plan.json ;;
    state) find ../fixtures -name 'state*.json' ;;
    policy) find ../terraform ../policies edge/policy -name '*.yaml' ;;
    live) find ../fixtures -path '*/aws/*.json' ;;
    hcl) find ../fixtures ../terraform -name '*.tf' ;;
    esac
}

for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "seeds/$target"
    number=0
    while read -r file; do
        number=$((number + 1))
        cp "$file" "seeds/$target/$number"
    done < <(seeds "$target" | sort)
    cargo +nightly fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=100000 -timeout=10 -rss_limit_mb=4096
done
