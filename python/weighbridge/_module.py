# SPDX-License-Identifier: Apache-2.0
"""Torch modules: run, described and saved. torch is imported where it is used, as scoring needs none."""

import contextlib
import importlib
import inspect
import os
import pathlib
import shutil
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._error import BackendUnavailable, InvalidArgument, InvalidInput


def torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise BackendUnavailable("torch: expected the package torch, which is not installed; modules need it, scoring "
                                 "does not") from None


def pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ImportError:
        raise BackendUnavailable("pandas: expected the package pandas, which is not installed; drafts and checks need it, "
                                 "scoring does not") from None


def opened(module: Any) -> Any:
    """The module itself, of a path too."""
    if isinstance(module, (str, os.PathLike)):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
            try:
                return torch().jit.load(os.fspath(module), map_location="cpu")
            except (RuntimeError, ValueError, OSError) as error:
                raise InvalidInput(f"module: expected a TorchScript file at '{os.fspath(module)}': "
                                   f"{str(error).splitlines()[0]}") from None
    if not isinstance(module, torch().nn.Module):
        raise InvalidInput(f"module: expected a torch.nn.Module or a path, got {type(module).__name__}")
    return module


@contextlib.contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """In eval mode for a while."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def scripted(module: Any) -> Any:
    """The module as TorchScript, of one in eval mode; packing evaluates what is TorchScript already."""
    found = opened(module)
    if isinstance(found, torch().jit.ScriptModule):
        return found
    with evaluating(found), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        try:
            return torch().jit.script(found)
        except Exception as error:  # the compiler raises many kinds, NotSupportedError and RuntimeError among them
            raise InvalidInput(f"module: torch.jit.script refuses it: {str(error).strip()}\nWrite it as TorchScript, or "
                               "give what torch.jit.trace makes of it") from error


def traced(module: Any, tensors: list[np.ndarray]) -> Any:
    """What torch.jit.trace makes of it with these arguments."""
    arguments = tuple(torch().from_numpy(np.ascontiguousarray(tensor)) for tensor in tensors)
    with evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's own, on what it bakes in
        try:
            return torch().jit.trace(module, arguments)
        except Exception as error:  # a module raises what it likes
            raise InvalidInput(f"module: neither torch.jit.script nor torch.jit.trace takes it: {str(error).strip()}") \
                from error


def save(module: Any, path: pathlib.Path) -> None:
    if isinstance(module, (str, os.PathLike)):
        shutil.copyfile(module, path)
        return
    found = scripted(module)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        found.save(str(path))


def expect_arguments(module: Any, tensors: list[dict[str, Any]]) -> None:
    """forward takes as many arguments as there are tensors."""
    if isinstance(module, torch().jit.ScriptModule):
        arguments = [argument.name for argument in module.forward.schema.arguments[1:]]
        needed = sum(not argument.has_default_value() for argument in module.forward.schema.arguments[1:])
    else:
        parameters = inspect.signature(module.forward).parameters.values()
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            return
        arguments = [parameter.name for parameter in parameters]
        needed = sum(parameter.default is parameter.empty for parameter in parameters)
    if not needed <= len(tensors) <= len(arguments):
        raise InvalidArgument(f"module: expected forward({', '.join(tensor['name'] for tensor in tensors)}), as the manifest "
                              f"has these tensors, got forward({', '.join(arguments)})")


def forward(module: Any, tensors: list[np.ndarray]) -> dict[int | str, np.ndarray]:
    """What forward gives for encoded payments, by place or key."""
    found, lib = opened(module), torch()
    try:
        with evaluating(found), lib.no_grad():
            given = found(*(lib.from_numpy(np.ascontiguousarray(tensor)) for tensor in tensors))
    except Exception as error:  # a module raises what it likes
        shapes = ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors)
        raise InvalidInput(f"module: forward raised {type(error).__name__} on {shapes}: {str(error).strip()}") from error
    parts = given if isinstance(given, dict) else dict(enumerate(given)) if isinstance(given, tuple) else {0: given}
    wrong = next((type(part).__name__ for part in parts.values() if not isinstance(part, lib.Tensor)), None)
    if wrong is not None:
        raise InvalidArgument(f"module: expected forward to give tensors, got {wrong}")
    return {source: part.float().numpy() for source, part in parts.items()}


def outputs_of(module: Any, tensors: list[dict[str, Any]],
               encoded: list[np.ndarray]) -> list[tuple[int | str, list[int]]]:
    """Place or key, and sizes of a row, of each output."""
    found = opened(module)
    expect_arguments(found, tensors)
    rows = len(encoded[0])
    outputs: list[tuple[int | str, list[int]]] = []
    for source, values in forward(found, encoded).items():
        if values.ndim == 0 or values.shape[0] != rows:
            raise InvalidArgument(f"module: expected output {source} of [batch, ...], got {list(values.shape)} for "
                                  f"{rows} rows")
        outputs.append((source, list(values.shape[1:])))
    return outputs
