# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "payment_service"

# The server's workers fork from here: they share the weights that were read once.
SERVICE ||= PaymentService.new(ENV.fetch("WEIGHBRIDGE_BUNDLE"))
run SERVICE
