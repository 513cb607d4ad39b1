#!/usr/bin/env bash
# Makes models/builtin.gguf from nothing: environment, vocabulary, warm-up, fine-tuning, export.
# Then `training/run.sh --calibrate KONFORM` measures it and writes its calibration.
set -euo pipefail
cd "$(dirname "$0")"
data=../../shared/data
preset=cpu
out=out
seed=1
model=../models/builtin.gguf
konform=
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --model) model=$2; shift 2 ;;
    --preset) preset=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --calibrate) konform=$2; shift 2 ;;
    *) echo "usage: training/run.sh [--data DIR] [--out DIR] [--model FILE] [--preset cpu|gpu] [--seed N] [--calibrate KONFORM]" >&2; exit 2 ;;
  esac
done
[ -d out/venv ] || python3 -m venv out/venv
out/venv/bin/pip install -q -r requirements.txt
python=out/venv/bin/python
if [ -n "$konform" ]; then
  exec "$python" calibrate.py --data "$data" --out "$out" --konform "$konform" --model "$model"
fi
# Memory that is given back to the system after each step costs a fifth of the time.
export GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592:glibc.malloc.top_pad=268435456
[ -f "$out/pretrained.pt" ] || "$python" pretrain.py --data "$data" --out "$out" --preset "$preset" --steps 4500 --seed "$seed"
"$python" finetune.py --data "$data" --out "$out" --seed "$seed"
"$python" export.py --out "$out" --gguf "$model"
