# SPDX-License-Identifier: Apache-2.0
"""What bindings put on top of a C call; run by tests/bench/run_bindings.sh."""
