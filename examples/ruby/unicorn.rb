# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# unicorn -c examples/ruby/unicorn.rb examples/ruby/config.ru

worker_processes 2
preload_app true
listen ENV.fetch("BIND", "tcp://127.0.0.1:9292").delete_prefix("tcp://")

after_fork { |_server, _worker| SERVICE.watch(0.2) }
