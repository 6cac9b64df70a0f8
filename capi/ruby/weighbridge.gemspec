# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require_relative "lib/weighbridge/version"

# build_gems.sh builds two gems of it: one for any platform, which finds an installed library; and where
# lib/weighbridge/native has the library, one for its platform, which carries it.
Gem::Specification.new do |spec|
  carried = Dir.glob("lib/weighbridge/native/**/*.so*", base: __dir__)
  spec.name = "weighbridge"
  spec.version = Weighbridge::VERSION
  spec.platform = "x86_64-linux" unless carried.empty?
  spec.summary = "Scores payments inside the payment service's own process"
  spec.description = "Ruby binding of Weighbridge, an embeddable library that scores fraud and authorisation models " \
                     "in microseconds, by a deadline, or with a fallback."
  spec.authors = ["The Weighbridge authors"]
  spec.homepage = "https://github.com/weighbridge/weighbridge"
  spec.license = "Apache-2.0"
  spec.files = Dir.glob("{lib/**/*.rb,sig/**/*.rbs,README.md,.yardopts}", base: __dir__).grep_v(%r{/fake[./]}) + carried
  spec.required_ruby_version = ">= 3.1"
  spec.add_dependency "ffi", ">= 1.15", "< 2"
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
