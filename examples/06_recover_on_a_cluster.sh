#!/usr/bin/env bash
# Prune an OpenCLIP model and recover it on the GPUs of a SLURM cluster: one process per GPU, all with one loss.
#
#     sbatch examples/06_recover_on_a_cluster.sh
#
# train.csv and test.csv have columns `image,caption` (docs/clip.md). A job that is cut short goes on from state.pt when it is
# submitted again.
#SBATCH --nodes=2
#SBATCH --gpus-per-node=8
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
set -euo pipefail

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun torchrun --nnodes="$SLURM_NNODES" --nproc-per-node=8 \
    --rdzv-backend=c10d --rdzv-endpoint="$head:29500" --rdzv-id="$SLURM_JOB_ID" \
    -m catx prune open_clip:ViT-B-16:datacomp_xl_s13b_b90k \
    --text-layers 8 --text-ffn 0.75 --vision-layers 11 --vision-ffn 0.75 \
    --importance taylor --data train.csv --test test.csv \
    --recover 20000 --batch 128 --learning-rate 1e-5 --checkpoint state.pt \
    --watts "400 W" --grid usa -o pruned
