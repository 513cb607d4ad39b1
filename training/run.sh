#!/usr/bin/env bash
# Makes models/builtin.gguf from nothing: environment, vocabulary, warm-up, fine-tuning, export.
set -euo pipefail
cd "$(dirname "$0")"
data=../../shared/data
preset=cpu
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=$2; shift 2 ;;
    --preset) preset=$2; shift 2 ;;
    *) echo "usage: training/run.sh [--data DIR] [--preset cpu|gpu]" >&2; exit 2 ;;
  esac
done
out=out
[ -d "$out/venv" ] || python3 -m venv "$out/venv"
"$out/venv/bin/pip" install -q -r requirements.txt
python=$out/venv/bin/python
[ -f "$out/pretrained.pt" ] || "$python" pretrain.py --data "$data" --out "$out" --preset "$preset" --steps 2500
# First what comparing two sentences is; then labelled contracts and our own clauses.
"$python" finetune.py --data "$data" --out "$out" --name match --shares 0.6,0,0.4,0 --rate 1.2e-3 --rounds 3 --cases 3000 \
  --hide nda-3,nda-8,nda-12,nda-16,nda-20
"$python" finetune.py --data "$data" --out "$out" --start match.pt
"$python" export.py --out "$out" --gguf ../models/builtin.gguf
