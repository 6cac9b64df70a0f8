# SPDX-License-Identifier: Apache-2.0


class Error(RuntimeError):
    """A call that failed. `code` and `name` are the C status (such as -1 and "WB_INVALID_INPUT"), `feature` and `row`
    the indices of what is to blame, -1 where there is none."""

    def __init__(self, message, code=0, name="", feature=-1, row=-1):
        super().__init__(f"{name}: {message}" if name else message)
        self.message, self.code, self.name, self.feature, self.row = message, code, name, feature, row
