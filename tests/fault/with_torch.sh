#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# with_torch.sh PROGRAM FIXTURES BUNDLE: runs a fault test on a TorchScript bundle, with its first golden row.
set -euo pipefail
row=$(python3 -c 'import json, sys; print(json.dumps(json.loads(open(sys.argv[1]).readline())["row"]))' "$3/golden.jsonl")
exec "$1" "$2" torchscript "$3" "$row"
