# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "ffi"

module Weighbridge
  # Finds libweighbridge.so.1. A path that was named, or WEIGHBRIDGE_LIBRARY, is the only place; else the loader's own
  # (LD_LIBRARY_PATH, what is installed), then the copy that the platform gem carries.
  # @private
  module Library
    SONAME = "libweighbridge.so.1"
    VARIABLE = "WEIGHBRIDGE_LIBRARY"
    CARRIED = File.expand_path("native/#{SONAME}", __dir__).freeze
    ABI_MAJOR = 1
    ABI_MINOR = 2

    Found = Struct.new(:path, :library, :symbols, :version)

    module_function

    # @param path [String, nil] the library that the caller named
    # @param names [Array<Symbol>] functions that it must have
    # @return [Found]
    # @raise [LibraryError] names each place that was tried, and what was found there
    def find(path, names)
      tried = places(path).map do |from, place|
        found = open(place, names)
        return found if found.is_a?(Found)

        "  #{from}, #{place}: #{found}"
      end
      raise LibraryError, "no libweighbridge that fits weighbridge.gem #{VERSION} " \
                          "(expected abi #{ABI_MAJOR}, minor #{ABI_MINOR} or later); tried:\n#{tried.join("\n")}\n" \
                          "Set #{VARIABLE} to its path, or install the gem that carries it (of platform x86_64-linux)"
    end

    def places(path)
      return { "argument" => path.to_s } if path
      return { "environment variable #{VARIABLE}" => ENV[VARIABLE] } unless ENV.fetch(VARIABLE, "").empty?

      { "installed" => SONAME, "in the gem" => CARRIED }
    end

    # @return [Found, String] the library, or why it does not fit
    def open(place, names)
      refused = Elf.refuse(place) if place.include?("/")
      return refused if refused

      library = FFI::DynamicLibrary.open(place, FFI::DynamicLibrary::RTLD_NOW | FFI::DynamicLibrary::RTLD_LOCAL)
      fit(place, library, names)
    rescue LoadError, ArgumentError => e
      "could not be loaded: #{e.message.lines.first&.chomp}#{Elf.hint}"
    end

    def fit(place, library, names)
      said = %w[wb_version wb_abi_version wb_abi_minor].map { |name| library.find_symbol(name) }
      return "not a weighbridge library: it has no function wb_version" unless said[0]

      version = FFI::Function.new(:string, [], said[0]).call
      major, minor = said[1..].map { |it| it ? FFI::Function.new(:int32, [], it).call : 0 }
      have = "version #{version}, abi #{major}, minor #{minor}"
      return "#{have}: expected abi #{ABI_MAJOR}, minor #{ABI_MINOR} or later" if major != ABI_MAJOR || minor < ABI_MINOR

      symbols = names.to_h { |name| [name, library.find_symbol(name.to_s)] }
      missing = symbols.select { |_, it| it.nil? }.keys
      return Found.new(place, library, symbols, version).freeze if missing.empty?

      "#{have}: it lacks #{missing.join(", ")}, which weighbridge.gem #{VERSION} calls"
    end
  end
  private_constant :Library
end
