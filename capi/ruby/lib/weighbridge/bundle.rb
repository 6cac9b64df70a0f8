# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "json"

module Weighbridge
  # What a bundle is, and whether it does here what it did where it was made.
  module Bundle
    # What a bundle says of itself, after its manifest and digests were checked. No model is run.
    # @param bundle [String, Pathname, Hash{String => String}] a directory, or files by name
    # @return [Hash{Symbol => Object}] identity, features, tensors, outputs, limits, files, schema digest, warnings
    # @raise [InvalidBundle, FileError]
    def self.describe(bundle)
      Native.load
      parse(read(bundle, :wb_bundle_inspect, :wb_bundle_inspect_source))
    end

    # Checks digests and manifest, loads the model, and reproduces the golden vectors.
    # @param engine [Engine] where the model runs
    # @param bundle [String, Pathname, Hash{String => String}] a directory, or files by name
    # @param options [Hash] of a load: engines:, precision:, deadline: in seconds, cancel:
    # @return [Hash{Symbol => Object}] the report: backend, vectors, largest differences, tolerance, warnings
    # @raise [VerifyFailed] they do not reproduce; VerifyFailed#report has the report
    # @raise [Error]
    def self.verify(engine, bundle, **options)
      Arguments.handle(engine, Engine, "engine")
      Options.open(:load, options) do |with|
        parse(read(bundle, :wb_bundle_verify, :wb_bundle_verify_source, before: [engine], behind: [with]))
      end
    end

    class << self
      private

      def parse(json) = JSON.parse(json, symbolize_names: true)

      # A function's report on a bundle; the error has it where there is one all the same.
      def read(bundle, of_path, of_source, before: [], behind: [])
        return text(of_path, *before, Arguments.text(bundle, "path"), *behind) unless bundle.is_a?(Hash)

        Source.open(bundle) { |source| text(of_source, *before, source, *behind) }
      end

      def text(function, *arguments)
        report = FFI::MemoryPointer.new(:pointer)
        Handle.check { |error| Native.public_send(function, report, *arguments, error) }
        Handle.take_text(report)
      rescue VerifyFailed => e
        raise if report.read_pointer.null?

        raise VerifyFailed.new(e.message, report: parse(Handle.take_text(report)))
      end
    end
  end
end
