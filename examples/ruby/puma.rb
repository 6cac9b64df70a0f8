# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# puma -C examples/ruby/puma.rb examples/ruby/config.ru

workers 2
threads 2, 2
# With FORK_WORKER=1 worker 0 loads the service and forks the others, again on SIGURG, so that they share what it warmed;
# Puma has that for applications that are not preloaded.
if ENV["FORK_WORKER"] == "1"
  fork_worker
else
  preload_app!
end
# A worker that ends closes connections whose request it has not begun to read: without the queue there are none. As
# behind a proxy, which sends whole requests.
queue_requests false
bind ENV.fetch("BIND", "tcp://127.0.0.1:9292")

# An engine that was made before the fork works in each worker; threads are made anew. (Where nothing was preloaded, this
# runs in worker 0 before config.ru does.)
on_worker_boot do
  require_relative "service"
  SERVICE.watch(0.2)
end
