# SPDX-License-Identifier: Apache-2.0
"""Crafted TorchScript files, made when they are needed, and the campaign that gives them to every door of the library."""
