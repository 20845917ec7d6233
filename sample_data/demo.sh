#!/bin/sh
# The four commands on real sequences: prepare, train, eval, predict. `make demo` sets everything up and runs this.
set -eu
cd "$(dirname "$0")/.."
rm -rf demo
step() { printf '\n$ seqmix %s\n' "$*"; seqmix "$@"; }
step prepare sample_data/mycobacteria -o demo/data
step train demo/data -o demo/run --mixer paramixer --protocol chord --epochs 10
step eval demo/run
step predict sample_data/new.fasta --run demo/run
printf '\nThe report with all figures, for any browser: demo/run/report.html\n'
