# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

module Weighbridge
  # Options by name: what the library lists, this gem takes, a later version's too.
  # @private
  class Options < Handle
    # @param kind [Symbol] :engine or :load
    # @param values [Hash{Symbol => Object}]
    # @yieldparam options [Options]
    def self.open(kind, values)
      options = new(kind)
      values.each { |name, value| options.set(name, value) }
      yield options
    ensure
      options&.free
    end

    def initialize(kind)
      @kind = kind
      super(Native.method(:"wb_#{kind}_options_free")) do |out, error|
        Native.public_send(:"wb_#{kind}_options_create", out, error)
      end
    end

    # @param value [Object] its text counts; true and false are 1 and 0
    def set(name, value)
      return if value.nil?

      case [@kind, name]
      in [:load, :cancel] then check(:cancel, Arguments.handle(value, Cancel, "cancel"))
      in [:load, :deadline] then check(:deadline, Arguments.deadline_ns(value))
      else
        text = { true => "1", false => "0" }.fetch(value) { Arguments.text(texts(value), "option '#{name}'") }
        Handle.check do |error|
          Native.public_send(:"wb_#{@kind}_options_set", to_ptr, Arguments.text(name, "option"), text, error)
        end
      end
    end

    private

    def texts(value) = value.is_a?(Numeric) ? value.to_s : value

    def check(name, value)
      Handle.check { |error| Native.public_send(:"wb_load_options_set_#{name}", to_ptr, value, error) }
    end
  end
  private_constant :Options
end
