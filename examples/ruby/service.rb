# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "payment_service"

# One for a process and what it forks: they share the weights that were read once.
SERVICE = PaymentService.new(ENV.fetch("WEIGHBRIDGE_BUNDLE"))
