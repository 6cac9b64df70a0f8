# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "service"

run SERVICE
