#!/usr/bin/env bash
# Measures portcullis-validate beside conftest, terraform-compliance and checkov, all in one run, on a recorded plan and on
# the same plan grown to 20,000 resource changes. Prints Markdown; docs/performance.md shows what one run gave.
#
#   benches/peers.sh [FOLDER]
#
# The peers are fetched into FOLDER (default: a temporary one, removed at the end) with their own package managers: conftest
# by go, the other two by pip. One that can't be fetched is left out, and this is said. Nothing is written into the repository.
#
# Ours is measured as the image of the pipeline's jobs has it (ci/image): static, with musl. It is built twice: beside that row
# stands what plain `cargo build --release` gives here. Without the target (`rustup target add`) or musl-gcc there is only that.
set -euo pipefail
exec </dev/null
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"

if [ $# -gt 0 ]; then
    folder="$1"
    mkdir -p "$folder"
    folder="$(cd "$folder" && pwd)"
else
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
fi

say() { printf '%s\n' "$*" >&2; }

fetch() { # NAME FILE COMMAND…: runs the command unless the file is there
    local name="$1" file="$2"
    shift 2
    [ -x "$file" ] && return 0
    say "fetching $name"
    "$@" >"$folder/$name.log" 2>&1 && [ -x "$file" ] && return 0
    say "$name can't be fetched here: see $folder/$name.log"
    return 1
}

with_pip() { # PACKAGE FOLDER
    python3 -m venv "$2" && "$2/bin/pip" install --quiet "$1"
}

(cd "$root" && cargo build --release --quiet -p portcullis-validate)
built="${CARGO_TARGET_DIR:-$root/target}"
plain="$built/release/portcullis-validate"
static="$(uname -m)-unknown-linux-musl"
if command -v musl-gcc >/dev/null && rustup target list --installed 2>/dev/null | grep -x "$static" >/dev/null \
    && (cd "$root" && cargo build --release --quiet --target "$static" -p portcullis-validate); then
    portcullis="$built/$static/release/portcullis-validate"
    ours=(portcullis "portcullis, not static")
else
    say "no static build here (it takes the target $static and musl-gcc): portcullis is the plain one"
    portcullis="$plain"
    ours=(portcullis)
fi

small="$root/fixtures/rule-styles/1-create/plan.json"
large="$folder/large.json"
"$here/grow.py" "$small" 1000 >"$large"
cp "$small" "$folder/small.json"

peers=()
if fetch conftest "$folder/bin/conftest" env "GOPATH=$folder/go" "GOBIN=$folder/bin" GOFLAGS=-modcacherw \
    go install github.com/open-policy-agent/conftest@v0.71.1; then
    peers+=(conftest)
fi
if fetch terraform-compliance "$folder/tc/bin/terraform-compliance" with_pip terraform-compliance==1.16.0 "$folder/tc"; then
    peers+=(terraform-compliance)
fi
if fetch checkov "$folder/ck/bin/checkov" with_pip checkov==3.3.30 "$folder/ck"; then
    peers+=(checkov)
fi

command_of() { # NAME PLAN
    case "$1" in
    portcullis) echo "$portcullis --plan $2 --policy $here/peers/policy.yaml" ;;
    "portcullis, not static") echo "$plain --plan $2 --policy $here/peers/policy.yaml" ;;
    conftest) echo "$folder/bin/conftest test $2 --policy $here/peers --no-color" ;;
    terraform-compliance) echo "$folder/tc/bin/terraform-compliance -p $2 -f $here/peers/features --no-ansi" ;;
    checkov) echo "$folder/ck/bin/checkov -f $2 --framework terraform_plan --check CKV_AWS_24,CKV_AWS_25 --compact --quiet --skip-download" ;;
    esac
}

measure() { # PLAN SECONDS RUNS
    local arguments=()
    local name
    for name in "${ours[@]}" "${peers[@]}"; do
        arguments+=("$name" "$(command_of "$name" "$1")")
    done
    "$here/measure.py" "$2" "$3" "${arguments[@]}"
}

model="$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
printf 'Machine: %s, %s cores, %s kB of memory, Linux %s.\n\n' \
    "$model" "$(nproc)" "$(sed -n 's/^MemTotal:[[:space:]]*\([0-9]*\).*/\1/p' /proc/meminfo)" "$(uname -r)"
printf 'Versions: %s' "$("$portcullis" --version)"
for name in "${peers[@]}"; do
    case "$name" in
    conftest) printf ', conftest %s' "$(go version -m "$folder/bin/conftest" | sed -n 's/^\tmod\t[^\t]*\t\([^\t]*\).*/\1/p')" ;;
    terraform-compliance) printf ', terraform-compliance %s' "$("$folder/tc/bin/pip" show terraform-compliance | sed -n 's/^Version: //p')" ;;
    checkov) printf ', checkov %s' "$("$folder/ck/bin/checkov" --version)" ;;
    esac
done
printf '.\n\n'

printf 'Small: %s bytes.\n\n' "$(stat -c %s "$small")"
measure "$folder/small.json" 120 "${RUNS:-20}"
printf '\nLarge: %s bytes, %s resource changes.\n\n' "$(stat -c %s "$large")" \
    "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["resource_changes"]))' "$large")"
measure "$large" "${SECONDS_LARGE:-600}" "${RUNS_LARGE:-3}"
printf '\nCommands:\n\n```sh\n'
for name in portcullis "${peers[@]}"; do
    command_of "$name" PLAN.json | sed -e "s|$portcullis|portcullis-validate|" -e "s|$folder/||g" -e "s|$root/||g"
done
printf '```\n'
