# SPDX-License-Identifier: Apache-2.0
"""LibTorch's operators that are pure functions of dense real tensors with sizes known per row: which lower, and what to
write instead of each other one. The list is made from LibTorch's schemas by the rules below.

    python pure_operators.py LOWERED_OPERATORS [--renew]

pure_operators.txt has it, a line for each: the name, then "lowers" or what to write instead. Fails where the list is not
that of the schemas or of the importer, where an operator is neither lowered nor refused by name, or where less than
LEAST of them lower.
"""
import collections
import pathlib
import re
import subprocess
import sys

import torch

LEAST = 0.86
LIST = pathlib.Path(__file__).with_name("pure_operators.txt")

# Names that are not in the list, each class with its reason.
EXCLUDED = [
    ("private: no name that users write", r"_.*"),
    ("a gradient's own", r".*backward.*|.*_jvp|.*_double_.*|rrelu_with_noise.*|.*_no_stats|infinitely_differentiable.*"),
    ("draws random numbers", r"bernoulli|binomial|cauchy|exponential|geometric|log_normal|multinomial|normal|"
                             r"normal_functional|poisson|rand.*|uniform|random|fractional_max_pool.*"),
    ("sparse tensors", r"sparse_.*|to_sparse.*|.*_sparse.*|coalesce|ccol_indices|col_indices|crow_indices|row_indices|"
                       r"indices|values|hspmm|smm|sspaddmm|is_coalesced"),
    ("quantized tensors", r"quantize.*|dequantize|fake_quantize.*|fused_moving_avg.*|q_.*|int_repr|choose_qparams.*|"
                          r"empty_quantized|fbgemm_.*"),
    ("complex numbers", r"complex|polar|imag|chalf|view_as_complex|view_as_real|fft_.*|stft|istft|linalg_eig|"
                        r"linalg_eigvals"),
    ("a backend's own kernel of an operator that has another name", r"cudnn_.*|miopen_.*|mkldnn_.*|mps_.*|thnn_.*|"
     r"slow_conv.*|conv_depthwise3d|convolution_overrideable|to_mkldnn|batch_norm_elemt|native_channel_shuffle|"
     r"native_norm|linalg__powsum|quantized_.*|geqrf|orgqr|ormqr|glu_jvp|lstm_mps"),
    ("the statistics of a batch, which training keeps", r"batch_norm_stats|batch_norm_gather_stats.*|"
                                                        r"batch_norm_update_stats|embedding_renorm"),
    ("a copy of a view, of which the view is listed", r".*_copy"),
    ("memory, devices and gradients rather than elements",
     r"as_strided.*|set|set_data|data|resize.*|.*_strided|pin_memory|lift|lift_fresh|cpu|cuda|detach|alias|slice_inverse|"
     r"requires_grad|retain_grad|grad|record_stream|hash_tensor|empty.*|new_empty|contiguous|resolve_.*|"
     r"flatten_dense_tensors|unflatten_dense_tensors|feature_dropout|alpha_dropout|feature_alpha_dropout|native_dropout|"
     r"dropout|rrelu"),
    ("sizes that depend on data, or on all rows", r"nonzero.*|argwhere|masked_select|unique.*|bincount|histc|histogram.*|"
     r"nested_to_padded_tensor|to_padded_tensor"),
    ("trusts places, pivots or lengths that nothing checked; the scan refuses it", r"max_unpool.*|lu_solve|lu_unpack|"
                                                                      r"linalg_lu_solve|linalg_ldl_solve|segment_reduce|ctc_loss|"
     r"native_batch_norm"),
    ("never ends at some degree; the scan refuses it", r"special_laguerre_polynomial_l|special_legendre_polynomial_p|"
                                                      r"matrix_power|linalg_matrix_power"),
    ("lists, dicts and strings of TorchScript", r"dict|items|keys|sorted|popitem|update|get|list|index|pop|remove|count|"
                                                r"insert|extend|append|reverse|copy|clear|setdefault|confirmed_by_owner"),
]
KEPT = {"index", "copy", "empty_like"}  # also operators of tensors


def is_pure(schema) -> bool:
    """Takes and gives tensors, and writes none."""
    takes = any("Tensor" in str(argument.type) for argument in schema.arguments)
    gives = any("Tensor" in str(one.type) for one in schema.returns)
    writes = any(argument.is_out or (argument.alias_info and argument.alias_info.is_write)
                 for argument in schema.arguments)
    return takes and gives and not writes


def reason_of_exclusion(name: str) -> str:
    if name in KEPT:
        return ""
    return next((why for why, pattern in EXCLUDED if re.fullmatch(pattern, name)), "")


def pure_operators() -> list[str]:
    """Overloads folded by name."""
    schemas = collections.defaultdict(list)
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            schemas[schema.name.removeprefix("aten::")].append(schema)
    return sorted(name for name, found in schemas.items() if any(map(is_pure, found)) and not reason_of_exclusion(name))


def importer(program: str) -> tuple[set[str], dict[str, str]]:
    """What lowers, and what to write instead of what is refused."""
    lowered, instead = set(), {}
    for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, names, *parts = line.split("\t")
        if kind == "operator":
            lowered.add(names.removeprefix("aten::"))
        elif kind == "refused":
            instead.update((name, parts[1]) for name in names.split())
    return lowered, instead


def main() -> int:
    lowered, instead = importer(sys.argv[1])
    names = pure_operators()
    faults = [f"{name}: neither lowers nor is refused in favour of another" for name in names
              if name not in lowered and not instead.get(name)]
    text = "".join(f"{name}\t{'lowers' if name in lowered else instead.get(name, '')}\n" for name in names)
    share = sum(name in lowered for name in names) / len(names)
    if share < LEAST:
        faults.append(f"{share:.1%} lower, expected {LEAST:.0%} at least")
    if "--renew" in sys.argv:
        LIST.write_text(text, encoding="utf-8")
    elif LIST.read_text(encoding="utf-8") != text:
        faults.append(f"{LIST.name} is not what the schemas and the importer say; run this with --renew")
    print("\n".join(faults))
    print(f"{sum(name in lowered for name in names)} of {len(names)} pure operators lower, {share:.1%}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
