# SPDX-License-Identifier: Apache-2.0
"""One error type, with a subclass for each status code of the library."""


class Error(Exception):
    """A call that failed.

    code     the C status, such as -1
    name     its name, such as "WB_INVALID_INPUT"
    message  one line; it holds no value of a feature with a privacy class
    feature  index of the feature that is to blame, -1 for none
    row      index of the row that is to blame, -1 for none
    """

    code: int = 0
    name: str = ""

    def __init__(self, message: str, feature: int = -1, row: int = -1, code: int | None = None) -> None:
        super().__init__(message, feature, row, code)
        self.message, self.feature, self.row = message, feature, row
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.name or self.code}: {self.message}"


class InvalidInput(Error):
    """A value of a payment is not acceptable. Fix the input; a retry gives the same answer."""

    code, name = -1, "WB_INVALID_INPUT"


class InvalidArgument(Error):
    """The call itself is wrong. Fix the calling code."""

    code, name = -2, "WB_INVALID_ARGUMENT"


class InvalidHandle(Error):
    """A handle is not one of this library, or was freed."""

    code, name = -3, "WB_INVALID_HANDLE"


class Busy(Error):
    """A row or an Arrays object is in use by another thread. Give each thread its own."""

    code, name = -4, "WB_BUSY"


class Overloaded(Error):
    """All contexts are taken and the queue is full. Retry later, add contexts, or shed upstream."""

    code, name = -5, "WB_OVERLOADED"


class DeadlineExceeded(Error):
    """The deadline passed before an answer. Retrying is safe."""

    code, name = -6, "WB_DEADLINE_EXCEEDED"


class Cancelled(Error):
    """The call was cancelled."""

    code, name = -7, "WB_CANCELLED"


class Closed(Error):
    """The engine, model or slot is closed or closing."""

    code, name = -8, "WB_CLOSED"


class Forked(Error):
    """The process forked after this engine had started LibTorch. Create a new engine in the child."""

    code, name = -9, "WB_FORKED"


class InvalidBundle(Error):
    """A file of the bundle is missing, damaged, or says something that this version does not accept."""

    code, name = -10, "WB_INVALID_BUNDLE"


class IoError(Error):
    """A file could not be read. The message has the path and the system's reason."""

    code, name = -11, "WB_IO_ERROR"


class SchemaChanged(Error):
    """A swap would change the schema that callers fill in. Deploy to a new slot."""

    code, name = -12, "WB_SCHEMA_CHANGED"


class BackendUnavailable(Error):
    """No allowed engine can run this model: plug-in missing, of another LibTorch version, broken, or not allowed."""

    code, name = -13, "WB_BACKEND_UNAVAILABLE"


class BackendFailed(Error):
    """The model failed while it ran, or gave a tensor other than the manifest says."""

    code, name = -14, "WB_BACKEND_FAILED"


class OutOfMemory(Error):
    """Memory could not be had. The process is intact."""

    code, name = -15, "WB_OUT_OF_MEMORY"


class Internal(Error):
    """A defect of this library. Please report the message."""

    code, name = -16, "WB_INTERNAL"


class BufferTooSmall(Error):
    """A buffer is too small."""

    code, name = -17, "WB_BUFFER_TOO_SMALL"


class VerifyFailed(Error):
    """The golden vectors do not reproduce within the manifest's tolerance. Do not deploy this bundle here."""

    code, name = -18, "WB_VERIFY_FAILED"


class NotLoaded(Error):
    """No model is there: the slot is empty, or has none to roll back to."""

    code, name = -19, "WB_NOT_LOADED"


class SchemaMismatch(Error):
    """A row was made for another schema than the one that is asked. Make a new row and fill it anew."""

    code, name = -20, "WB_SCHEMA_MISMATCH"


class WouldWait(Error):
    """The call would have had to wait for a context, and was told not to."""

    code, name = -21, "WB_WOULD_WAIT"


class NotFound(Error):
    """There is nothing of that name; the message has the nearest."""

    code, name = -22, "WB_NOT_FOUND"


BY_CODE: dict[int, type[Error]] = {kind.code: kind for kind in Error.__subclasses__()}


def make(code: int, message: str, feature: int, row: int) -> Error:
    """The error of a status, also of one that this package does not know yet."""
    kind = BY_CODE.get(code)
    return kind(message, feature, row) if kind else Error(message, feature, row, code)
