# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "lib/weighbridge/version"

# For the tests of services, on machines that the library does not run on: no ffi, no library.
Gem::Specification.new do |spec|
  spec.name = "weighbridge-fake"
  spec.version = Weighbridge::VERSION
  spec.summary = "Takes the place of gem weighbridge in a service's tests"
  spec.description = "The calls of gem weighbridge in pure Ruby: names, types and required features of payments are " \
                     "checked, scores, latencies and errors are a script's."
  spec.authors = ["The Weighbridge authors"]
  spec.homepage = "https://github.com/weighbridge/weighbridge"
  spec.license = "Apache-2.0"
  spec.files = Dir.glob("lib/weighbridge/{fake,fake/*,version,errors,future,batch,payments}.rb", base: __dir__)
  spec.required_ruby_version = ">= 3.1"
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
