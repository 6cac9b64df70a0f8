# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # The gem's version: the library's of the same release.
  VERSION = "0.2.0"
end
