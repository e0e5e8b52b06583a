#!/usr/bin/env bash
# Search a study on the nodes of a SLURM cluster: a Dask scheduler on the first one, a worker per core on all.
#
#     sbatch examples/07_search_on_slurm.sh study.yaml
#
# The folder of the study must be on all nodes (docs/search.md, "On a cluster"). A job that is cut short goes on from study.db
# when it is submitted again.
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
set -euo pipefail

study=$(realpath "$1")
results=${study%.*}.db
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT

dask scheduler --port 0 --no-dashboard --scheduler-file "$folder/scheduler.json" &
until [ -s "$folder/scheduler.json" ]; do sleep 1; done
address=$(python -c "import json, sys; print(json.load(open(sys.argv[1]))['address'])" "$folder/scheduler.json")

srun dask worker "$address" --nthreads 1 --no-dashboard --local-directory "${TMPDIR:-/tmp}" &
resume=()
if [ -e "$results" ]; then resume=(--resume); fi
catx search run "$study" --output "$results" --scheduler "$address" "${resume[@]}"
