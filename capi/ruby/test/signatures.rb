# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

# The public names of the binding by class, as the signatures have them: ".open", "#score".
module Signatures
  FILE = File.expand_path("../sig/weighbridge.rbs", __dir__)

  def self.read
    names = Hash.new { |all, name| all[name] = [] }
    inside = []
    File.foreach(FILE) do |line|
      case line
      when /^\s*(?:class|module|interface) (\w+)/ then inside.push($1)
      when /^\s*end\b/ then inside.pop
      when /^\s*(?:def|attr_reader|attr_accessor) (self\.)?([^\s:]+):/
        names[inside.join("::")] << "#{$1 ? "." : "#"}#{$2}"
      end
    end
    names.reject { |name, _| name.include?("::_") }.transform_values { |all| all.uniq.sort }
  end
end
